/** Why a condition has no answer. `context_not_pinned`: it reads context that the call does not have. */
export type EvaluationCode = 'rule_error' | 'context_not_pinned';

/** Thrown wherever a condition meets something that it cannot judge. It always ends the whole condition. */
export class EvaluationError extends Error {
  readonly code: EvaluationCode;
  constructor(message: string, code: EvaluationCode = 'rule_error') {
    super(message);
    this.code = code;
  }
}

/** Steps that all rules and matches together may take over one call; one takes about half a microsecond. */
export const MAX_STEPS = 300_000;

/**
 * Counts what conditions do in proportion to the call, which the proposer chooses: rounds of macros, elements and keys
 * compared, texts searched. What one condition takes apart from that, its own length bounds. Steps are counted, never
 * time: the same call gets the same answer on any machine.
 */
export class Budget {
  #left: number;
  constructor(steps = MAX_STEPS) {
    this.#left = steps;
  }

  /** Before the work is done. Once used up, it stays so for all conditions of the call. */
  charge(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) throw new EvaluationError('the call is too large for the conditions of this policy');
  }
}
