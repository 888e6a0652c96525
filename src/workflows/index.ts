export { approvalGate } from './approval-gate.ts';
export { gatedCall } from './gated-call.ts';
