import { CancellationScope, defineSignal, setHandler } from '@temporalio/workflow';
import { requestApproval, requestApprovals, type ApprovalDecision } from '@holdpoint/client/workflow';

export interface Draft {
  readonly title: string;
  readonly text: string;
}
export interface Publication {
  readonly draft: Draft;
  /** Groups of `holdpoint.yaml`, one of whose members must say yes. */
  readonly editors: readonly string[];
}
export type Published =
  | { readonly published: Draft; readonly by: string; readonly rounds: number }
  | { readonly published: null; readonly why: string };

/** One question. Every way in which it can end has its own branch, and only two of them carry a draft. */
export async function publishOnce({ draft, editors }: Publication): Promise<Published> {
  const decision = await requestApproval({
    title: 'Publish this draft?',
    proposal: { draft },
    approvers: [...editors],
    ttl: '24h',
    allow: ['approve', 'edit', 'reject', 'respond'],
  });
  switch (decision.type) {
    case 'approve':
    case 'edit':
      return { published: decision.proposal.draft, by: decision.by, rounds: 1 };
    case 'reject':
      return { published: null, why: decision.comment ?? 'rejected' };
    case 'respond':
      return { published: null, why: JSON.stringify(decision.response) };
    case 'expired':
    case 'withdrawn':
    case 'aborted':
      return { published: null, why: decision.type };
    case 'blocked':
      return { published: null, why: decision.errors[0]?.message ?? decision.reasonCodes.join(', ') };
  }
}

/** A loop: an answer in words leads to a revised draft and a new question; a no ends it. */
export async function publishAfterRevisions({ draft, editors }: Publication): Promise<Published> {
  let current = draft;
  for (let rounds = 1; rounds <= 5; rounds += 1) {
    const decision = await requestApproval({
      title: `Publish this draft? (round ${rounds})`,
      proposal: { draft: current },
      approvers: [...editors],
      allow: ['approve', 'edit', 'reject', 'respond'],
    });
    if (decision.type === 'approve' || decision.type === 'edit') {
      return { published: decision.proposal.draft, by: decision.by, rounds };
    }
    if (decision.type !== 'respond') return { published: null, why: reasonOf(decision) };
    current = rewrite(current, decision.response);
  }
  return { published: null, why: 'still not right after five rounds' };
}

/** Here an agent would revise the draft, in an activity of its own. */
function rewrite(draft: Draft, wish: unknown): Draft {
  return { ...draft, text: `${draft.text} ${typeof wish === 'string' ? wish : JSON.stringify(wish)}` };
}

export interface Release extends Publication {
  readonly lawyers: readonly string[];
}

/**
 * Two gates, one after the other: the second asks about what the first approved, including edits. If both may
 * look at the same thing at once, use one question with `levels`.
 */
export async function publishAfterTwoGates({ draft, editors, lawyers }: Release): Promise<Published> {
  const edited = await requestApproval({
    title: 'Is the wording right?',
    proposal: { draft },
    approvers: [...editors],
    allow: ['approve', 'edit', 'reject'],
  });
  if (edited.type !== 'approve' && edited.type !== 'edit') return { published: null, why: reasonOf(edited) };
  const cleared = await requestApproval({
    title: 'May we say this?',
    proposal: edited.proposal,
    approvers: [...lawyers],
    reason: `The wording is ${edited.by}'s.`,
  });
  if (cleared.type !== 'approve') return { published: null, why: reasonOf(cleared) };
  return { published: cleared.proposal.draft, by: cleared.by, rounds: 2 };
}

/** Several questions at once, shown as one group, each answered separately. Resolves with what was approved. */
export async function publishMany(drafts: readonly Draft[], editors: readonly string[]): Promise<readonly Draft[]> {
  const decisions = await requestApprovals(
    drafts.map((draft) => ({ title: `Publish “${draft.title}”?`, proposal: { draft }, approvers: [...editors] })),
  );
  return decisions.flatMap((decision) => (decision.type === 'approve' ? [decision.proposal.draft] : []));
}

/** The author has written another version: what was asked about the old one is withdrawn. */
export const replace = defineSignal<[Draft]>('replace');

export async function publishLatest({ draft, editors }: Publication): Promise<Published> {
  let latest = draft;
  for (let rounds = 1; ; rounds += 1) {
    const asked = latest;
    const scope = new CancellationScope();
    setHandler(replace, (next) => {
      latest = next;
      scope.cancel();
    });
    const decision = await scope.run(() =>
      requestApproval({ title: 'Publish this draft?', proposal: { draft: asked }, approvers: [...editors] }),
    );
    // Withdrawn by our own hand: ask about the newer one. An answer that came first counts for what it was about.
    if (decision.type === 'withdrawn' && latest !== asked) continue;
    if (decision.type !== 'approve') return { published: null, why: reasonOf(decision) };
    return { published: decision.proposal.draft, by: decision.by, rounds };
  }
}

function reasonOf(decision: ApprovalDecision<object>): string {
  return decision.type === 'reject' ? (decision.comment ?? 'rejected') : decision.type;
}
