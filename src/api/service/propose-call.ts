import type { DsseEnvelope } from '../../contract/envelope.ts';
import type { ExecuteRequest } from '../../contract/execute.ts';
import type { ReviewId } from '../../contract/ids.ts';
import { isFree, LONGEST_HANDED } from '../../domain/authorize/authorize-free.ts';
import { callTimeoutMs, connectorTimeoutMs } from '../../domain/call-timeout.ts';
import { describeProposal } from '../../domain/gate/describe.ts';
import type { Assessment } from '../../domain/policy/assess.ts';
import type { HandOff } from '../hand-off.ts';
import type { AgentPrincipal } from '../principal.ts';
import { isoNow, proposeSignerOf, type ServiceContext } from './context.ts';
import { makeDirectly, type DirectEnd } from './direct.ts';
import { pauseIfLong } from './scan.ts';
import { sealCall } from './sealing.ts';
import type { ExecuteOptions } from './types.ts';

interface PlainCall {
  readonly reviewId: ReviewId;
  readonly plain: ExecuteRequest;
  readonly assessment: Assessment;
}

/** A call as its proposer said it, sealed and signed. */
export interface SignedCall {
  readonly reviewId: ReviewId;
  readonly proposer: string;
  readonly proposedAt: string;
  readonly request: ExecuteRequest;
  readonly proposal: DsseEnvelope;
  readonly assessment: Assessment;
}

/** Seals and signs. `direct`: the call is to go without a workflow. */
export async function signCall(
  context: ServiceContext,
  principal: AgentPrincipal,
  { reviewId, plain, assessment }: PlainCall,
  direct: boolean,
): Promise<SignedCall> {
  const { deploymentId, policy, configDigest } = context.settings.current();
  const proposedAt = isoNow(context);
  const { waitSeconds: _held, ...said } = plain;
  const request: ExecuteRequest = {
    ...said,
    arguments: await sealCall(context, reviewId, plain.tool, plain.arguments),
  };
  const proposer = principal.id;
  const proposal = proposeSignerOf(context).sign('proposal', {
    deploymentId,
    reviewId,
    proposedAt,
    proposer,
    request,
    ...(direct ? { direct: { policyDigest: policy.digest, configDigest, handedAt: proposedAt } } : {}),
  });
  await pauseIfLong(proposal.payload.length);
  return { reviewId, proposer, proposedAt, request, proposal, assessment };
}

export function startGate(context: ServiceContext, call: SignedCall): Promise<'started' | 'existing'> {
  const { policy } = context.settings.current();
  const { reviewId, request, proposal, proposer, proposedAt, assessment } = call;
  return context.gate.start(
    reviewId,
    { ...request, proposal },
    {
      ...describeProposal(request, proposer, policy.findTool(request.tool)?.definition),
      memo: {
        proposer,
        service: request.service,
        tool: request.tool,
        proposedAt,
        group: request.group ?? null,
        threadId: request.threadId ?? null,
      },
      // As the gate worker will most likely see it.
      expected: { status: EXPECTED_STATUS[assessment.kind], class: assessment.class ?? 'unknown' },
    },
  );
}

const EXPECTED_STATUS = { held: 'pending', free: 'not_required', blocked: 'blocked' } as const;

/** The way without a workflow, for a call that policy frees; undefined: it takes the workflow. */
export function findHandOff({ handOff }: ServiceContext, assessment: Assessment): HandOff | undefined {
  return handOff?.isOpen() === true && isFree(assessment) ? handOff : undefined;
}

export function canHandOff({ proposal }: SignedCall): boolean {
  return proposal.payload.length <= LONGEST_HANDED;
}

export function handOver(
  context: ServiceContext,
  handOff: HandOff,
  call: SignedCall,
  { signal, endTurn }: ExecuteOptions,
): Promise<DirectEnd> {
  const { connectors, policy } = context.settings.current();
  const { reviewId, proposal } = call;
  const tool = policy.findTool(call.request.tool)?.definition;
  const callMs = callTimeoutMs(tool, connectorTimeoutMs(connectors[tool?.connector ?? '']));
  const direct = { reviewId, proposal, callMs, startGate: () => startGate(context, call) };
  const end = makeDirectly(context, handOff, direct, signal);
  endTurn?.();
  return end;
}
