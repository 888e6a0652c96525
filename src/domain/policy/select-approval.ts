import type { CallClass } from '../../contract/call.ts';
import { areTimesAtLeastAsStrict } from '../deadline.ts';
import type { CompiledApproval } from './compile-approvals.ts';
import type { ExpressionInput } from './expression.ts';
import type { ApprovalPlan, FiredRule } from './policy.ts';

type Selected = { readonly plan: ApprovalPlan } | { readonly error: Omit<FiredRule, 'class'> };

/**
 * The first approval that matches. What a caller says about itself may select another one than the pinned context alone
 * would, but only a stricter one: nobody chooses who decides about them.
 */
export function selectApproval(
  approvals: readonly CompiledApproval[],
  wholeInput: ExpressionInput,
  pinnedInput: ExpressionInput,
  callClass: CallClass,
): Selected {
  const pinned = selectIn(approvals, pinnedInput, callClass);
  const whole = wholeInput === pinnedInput ? pinned : selectIn(approvals, wholeInput, callClass);
  if ('error' in pinned) return pinned;
  if ('error' in whole) return whole;
  return isAtLeastAsStrict(whole.plan, pinned.plan) ? whole : pinned;
}

function selectIn(approvals: readonly CompiledApproval[], input: ExpressionInput, callClass: CallClass): Selected {
  for (const { condition, plan } of approvals) {
    const verdict = condition.expression.evaluate(input);
    if (!verdict.ok) {
      const source = `${condition.place} ${condition.expression.text}`;
      return { error: { source, gate: null, reason: 'policy_error', error: verdict.error } };
    }
    if (!verdict.value) continue;
    const byClass = callClass === 'irreversible' ? 'sign-in' : 'confirm';
    return {
      plan: {
        ...plan,
        emailDecision: plan.emailDecision ?? byClass,
        slackDecision: plan.slackDecision ?? byClass,
      },
    };
  }
  return { error: { source: 'approvals', gate: null, reason: 'policy_error', error: 'no approval matches' } };
}

const REMOTE_STRICTNESS = { confirm: 0, 'sign-in': 1, off: 2 } as const;

/** Whoever passes `a` would have passed `b` too: nothing that `b` asks for is missing from `a`. */
function isAtLeastAsStrict(a: ApprovalPlan, b: ApprovalPlan): boolean {
  return (
    coversLevels(a.levels, b.levels) &&
    (a.separationOfDuties || !b.separationOfDuties) &&
    areTimesAtLeastAsStrict(a, b) &&
    REMOTE_STRICTNESS[a.emailDecision] >= REMOTE_STRICTNESS[b.emailDecision] &&
    REMOTE_STRICTNESS[a.slackDecision] >= REMOTE_STRICTNESS[b.slackDecision] &&
    (a.reproposal === 'attach' || b.reproposal === 'ask')
  );
}

/** Every level of `b`, in order, has one in `a` with no other groups and no smaller quorum. */
function coversLevels(a: ApprovalPlan['levels'], b: ApprovalPlan['levels']): boolean {
  let next = 0;
  for (const level of a) {
    const wanted = b[next];
    if (wanted === undefined) return true;
    if (isWithin(level.approvers, wanted.approvers) && level.quorum >= wanted.quorum) next += 1;
  }
  return next === b.length;
}

function isWithin(some: readonly string[], all: readonly string[]): boolean {
  return some.every((group) => all.includes(group));
}
