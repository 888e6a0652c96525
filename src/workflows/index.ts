/**
 * What the gate worker runs: `gatedCall` for calls, `approvalGate` for questions of other workflows (asked with
 * `requestApproval`). Deterministic: time, identity and I/O come from Temporal and from local activities, and every decision
 * is made by the pure machine in `src/domain/gate`. `messages.ts` has the signals and queries that senders import,
 * `pure.ts` what all reviews share.
 */
export { approvalGate } from './approval-gate.ts';
export { gatedCall } from './gated-call.ts';
