import type { FileProblem } from '../files/problem.ts';
import type { Path, YamlSource } from '../files/yaml-source.ts';
import { compileExpression, type Expression } from './expression.ts';
import type { CallClass, Gate } from '../../contract/call.ts';
import { REASONS } from '../../contract/codes.ts';
import { DEFAULT_TTL, durationMs, type ApprovalRule, type PolicyFile } from '../../contract/policy.ts';
import type { ParsedFile } from '../files/parse-file.ts';
import type { ApprovalTimes } from '../deadline.ts';
import type { ApprovalPlan } from './policy.ts';

/** A rule's or an approval's CEL text, compiled, and where it stands. */
export interface Condition {
  readonly expression: Expression;
  readonly source: YamlSource;
  readonly path: Path;
  /** For `policy explain`: `policy.yaml:31`. */
  readonly placeOf: () => string;
}

export interface CompiledRule extends Condition {
  readonly kind: 'rule';
  readonly class: CallClass;
  /** Null: the class's own. */
  readonly gate: Gate | null;
  readonly reason: string | null;
}

export interface CompiledApproval extends Condition {
  readonly kind: 'approval';
  /** Where the file states none, what decides from a mail and from Slack depends on the class of the call. */
  readonly plan: Omit<ApprovalPlan, 'emailDecision' | 'slackDecision' | 'selectedBy'> & {
    readonly emailDecision: ApprovalPlan['emailDecision'] | null;
    readonly slackDecision: ApprovalPlan['slackDecision'] | null;
  };
}

/** Compiles the CEL text at a path; problems name the line and column inside it. */
function compileCondition(
  source: YamlSource,
  path: Path,
  text: string,
  problems: FileProblem[],
): Condition | undefined {
  const compiled = compileExpression(text);
  if (!compiled.ok) {
    for (const { offset, message, fix } of compiled.problems) {
      problems.push({ file: source.file, ...source.locateInside(path, offset), message, fix });
    }
    return undefined;
  }
  // The base name: what explains a decision to an agent must not tell where files are kept.
  const name = source.file.split(/[/\\]/).at(-1) ?? source.file;
  const placeOf = (): string => `${name}:${source.locate(path).line}`;
  return { expression: compiled.expression, source, path, placeOf };
}

export function compileRules({ value, source }: ParsedFile<PolicyFile>): {
  readonly rules: readonly CompiledRule[];
  readonly problems: readonly FileProblem[];
} {
  const rules: CompiledRule[] = [];
  const problems: FileProblem[] = [];
  for (const [index, { when, class: callClass, gate, reason }] of (value.rules ?? []).entries()) {
    const path = ['rules', index];
    const condition = compileCondition(source, [...path, 'when'], when, problems);
    if (callClass === 'irreversible' && gate !== undefined && gate !== 'hard') {
      const message = `an irreversible rule cannot have the gate ${gate}`;
      problems.push(source.problem([...path, 'gate'], message, 'Delete the gate: irreversible is always hard'));
    }
    if (reason !== undefined && Object.hasOwn(REASONS, reason)) {
      const message = `the reason ${reason} is one of Holdpoint’s own codes`;
      problems.push(
        source.problem([...path, 'reason'], message, 'Choose another word, such as one that names the rule'),
      );
    }
    if (condition === undefined) continue;
    rules.push({ ...condition, kind: 'rule', class: callClass, gate: gate ?? null, reason: reason ?? null });
  }
  return { rules, problems };
}

export function compileApprovals({ value, source }: ParsedFile<PolicyFile>): {
  readonly approvals: readonly CompiledApproval[];
  readonly problems: readonly FileProblem[];
  readonly warnings: readonly FileProblem[];
} {
  const approvals: CompiledApproval[] = [];
  const problems: FileProblem[] = [...checkDefault(value.approvals ?? [], source)];
  const warnings: FileProblem[] = [];
  for (const [index, approval] of (value.approvals ?? []).entries()) {
    const path = ['approvals', index];
    const condition = compileCondition(source, [...path, 'match'], approval.match, problems);
    warnings.push(...checkTimes(approval, source, path));
    if (condition !== undefined) approvals.push({ ...condition, kind: 'approval', plan: planOf(approval) });
  }
  return { approvals, problems, warnings };
}

/** Times as a policy or a question writes them (`4h`). */
export function readTimes({ ttl, remind, escalate }: Pick<ApprovalRule, 'ttl' | 'remind' | 'escalate'>): ApprovalTimes {
  return {
    expireAfterMs: durationMs(ttl ?? DEFAULT_TTL),
    remindBeforeMs: (remind ?? []).map(durationMs),
    escalate: escalate === undefined ? null : { afterMs: durationMs(escalate.after), to: escalate.to },
  };
}

function planOf(approval: ApprovalRule): CompiledApproval['plan'] {
  return {
    levels: approval.levels,
    separationOfDuties: approval.separationOfDuties ?? false,
    ...readTimes(approval),
    emailDecision: approval.emailDecision ?? null,
    slackDecision: approval.slackDecision ?? null,
    reproposal: approval.reproposal ?? 'attach',
  };
}

/** Without a default a held call could match nothing; what follows one is never reached. */
function checkDefault(approvals: readonly ApprovalRule[], source: YamlSource): readonly FileProblem[] {
  const isDefault = (approval: ApprovalRule): boolean => approval.match.trim() === 'true';
  const last = approvals.at(-1);
  const add =
    'Add as the last entry of approvals: - { match: "true", levels: [{ name: approval, approvers: [<group>], quorum: 1 }] }';
  if (last === undefined) return [source.problem([], 'approvals is missing: no held call could be approved', add)];
  if (!isDefault(last)) {
    const message = 'the last approval is not a default, so some held calls would match no approval';
    return [source.problem(['approvals', approvals.length - 1, 'match'], message, add)];
  }
  const first = approvals.findIndex(isDefault);
  if (first === approvals.length - 1) return [];
  const message = 'this approval matches everything, so those after it are never reached';
  return [source.problem(['approvals', first, 'match'], message, 'Move it to the end, or delete those after it')];
}

function checkTimes(approval: ApprovalRule, source: YamlSource, path: Path): readonly FileProblem[] {
  const ttl = approval.ttl ?? DEFAULT_TTL;
  const late = (approval.remind ?? [])
    .map((remind, index) => ({ remind, index }))
    .filter(({ remind }) => durationMs(remind) >= durationMs(ttl))
    .map(({ remind, index }) =>
      source.problem(
        [...path, 'remind', index],
        `no reminder is sent ${remind} before the deadline, because the call only waits ${ttl}`,
        `Write less than ${ttl}, or a longer ttl`,
      ),
    );
  const { escalate } = approval;
  if (escalate === undefined || durationMs(escalate.after) < durationMs(ttl)) return late;
  const message = `there is no escalation after ${escalate.after}, because the call only waits ${ttl}`;
  return [...late, source.problem([...path, 'escalate', 'after'], message, `Write less than ${ttl}, or a longer ttl`)];
}
