export { approvalGate } from './approval-gate.ts';
export { deliverNotices } from './deliver.ts';
export { gatedCall } from './gated-call.ts';
