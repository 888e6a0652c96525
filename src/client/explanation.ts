import type { CallClass, Gate } from '../contract/call.ts';

/** What policy says about a call: answer of `POST /v1/policy/explain`. */
export interface Explanation {
  readonly class: CallClass | null;
  /** Null: the call would be blocked. */
  readonly gate: Gate | null;
  readonly blocked: boolean;
  readonly reasonCodes: readonly string[];
  /** Who would have to say yes, step by step; empty where nobody has to. */
  readonly levels: readonly { readonly name: string; readonly approvers: readonly string[]; readonly quorum: number }[];
  /** The rules that fired. */
  readonly rules: readonly {
    readonly source: string;
    readonly class: CallClass;
    readonly gate: Gate | null;
    readonly reason: string | null;
    readonly error: string | null;
  }[];
  /** Which arguments do not fit, for `arguments_invalid`. */
  readonly errors?: readonly { readonly pointer: string; readonly message: string }[];
}
