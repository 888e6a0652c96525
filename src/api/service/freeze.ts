import { setTimeout as sleep } from 'node:timers/promises';
import type { FreezeAnswer, FreezeList, FreezeRequest, FreezeView, LiftRequest } from '../../contract/freeze.ts';
import { PROBLEMS, type ProblemCode } from '../../contract/codes.ts';
import { isOperator, refusalOfLift } from '../../domain/freeze.ts';
import { findUnmatched } from '../../domain/policy/frozen.ts';
import { envelopeDigestOf } from '../../domain/proof/digest.ts';
import type { ReviewerPrincipal } from '../principal.ts';
import { ProblemError } from '../problem.ts';
import { isoNow, newUlid, reviewSignerOf, type ServiceContext } from './context.ts';
import type { Caller } from './types.ts';

/** Freezes that a list shows: all that stand come first. */
const LISTED = 200;
/** The execute worker looks for lifts twice a second. */
const JUDGED_WITHIN_MS = 3_000;
const LOOK_EVERY_MS = 100;

/** Stops tools from now on: signed, and with its entry in one commit, before anything is answered. */
export async function freezeTools(
  context: ServiceContext,
  principal: ReviewerPrincipal,
  { tools, why }: FreezeRequest,
): Promise<FreezeAnswer> {
  const signer = reviewSignerOf(context);
  requireOperator(context, principal);
  const { deploymentId, policy } = context.settings.current();
  const freezeId = `frz_${newUlid(context.clock.now())}`;
  const [at, by] = [isoNow(context), principal.id];
  const reviewer = { id: by, method: principal.method };
  const { channel } = principal;
  const envelope = signer.sign('freeze', { deploymentId, freezeId, tools, why, reviewer, channel, frozenAt: at });
  const envelopeDigest = envelopeDigestOf(envelope);
  await context.store.commit({
    freeze: { to: 'freeze', freezeId, envelope },
    entries: [{ schemaVersion: 1, deploymentId, at, type: 'frozen', freezeId, tools, by, channel, envelopeDigest }],
  });
  context.log.warn({ freezeId, by, tools }, 'tools were frozen');
  await context.settings.refresh();
  const freeze = { id: freezeId, tools, by, why, at, lifted: null };
  return { freeze, unmatched: findUnmatched(tools, [...policy.tools.keys()]) };
}

/**
 * Asks for a freeze to be lifted. The execute worker verifies it and lifts: `lifted` of the answer is null where none has
 * looked at it in time.
 */
export async function liftFreeze(
  context: ServiceContext,
  principal: ReviewerPrincipal,
  freezeId: string,
  { why }: LiftRequest,
  { signal }: Caller,
): Promise<FreezeView> {
  const signer = reviewSignerOf(context);
  requireOperator(context, principal);
  const freeze = await context.store.freezes.find(freezeId);
  if (freeze === undefined) throw new ProblemError('not_found');
  if (freeze.lifted !== null) throw new ProblemError('already_lifted');
  const refusal = refusalOfLift(context.settings.current(), freeze, principal.reviewer);
  if (refusal !== undefined) throw new ProblemError(refusal);
  const envelope = signer.sign('lift', {
    deploymentId: context.settings.current().deploymentId,
    freezeId,
    freezeDigest: freeze.digest ?? '',
    why,
    reviewer: { id: principal.id, method: principal.method },
    channel: principal.channel,
    liftedAt: isoNow(context),
  });
  if ((await context.store.freezes.askLift(freezeId, envelope)) === 'not_frozen')
    throw new ProblemError('already_lifted');
  const until = performance.now() + JUDGED_WITHIN_MS;
  let verdict = await context.store.freezes.readLift(envelope);
  while (verdict === null && performance.now() < until && !signal.aborted) {
    await sleep(LOOK_EVERY_MS);
    verdict = await context.store.freezes.readLift(envelope);
  }
  await context.settings.refresh();
  if (typeof verdict === 'string' && verdict !== 'lifted') throw new ProblemError(codeOf(verdict), { detail: REFUSED });
  const { digest: _digest, ...lifted } = (await context.store.freezes.find(freezeId)) ?? freeze;
  return lifted;
}

const REFUSED =
  'The execute worker did not accept the lift. Its configuration or its keys may differ from those of the api.';

function codeOf(verdict: string): ProblemCode {
  return Object.hasOwn(PROBLEMS, verdict) ? (verdict as ProblemCode) : 'forbidden';
}

/** Freezes as they stand, and those of the configuration. */
export async function listFreezes(
  { settings, store }: ServiceContext,
  { reviewer }: ReviewerPrincipal,
): Promise<FreezeList> {
  const inForce = settings.current();
  return {
    freezes: [...(await store.freezes.list(LISTED))],
    configured: [...inForce.freeze],
    operator: isOperator(inForce, reviewer),
    liftBySecondPerson: inForce.liftBySecondPerson,
  };
}

function requireOperator({ settings }: ServiceContext, { reviewer }: ReviewerPrincipal): void {
  const { operators } = settings.current();
  if (isOperator({ operators }, reviewer)) return;
  throw new ProblemError('not_an_operator', {
    detail:
      operators.length === 0
        ? 'The configuration names no operators. Add a line such as `operators: [ops]` (reviewers or groups) to holdpoint.yaml.'
        : `Operators are: ${operators.join(', ')} (\`operators\` in holdpoint.yaml).`,
  });
}
