import type { AuditEntry } from '../../contract/audit.ts';
import { approversAt, countYeses, findVoters, membersOf } from '../../domain/eligibility.ts';
import type { Review } from '../../contract/review.ts';
import { ENTRY } from '../../domain/lifecycle.ts';
import type { Settings } from '../../domain/policy/settings.ts';
import type { Notice, NoticeEvent } from './channel.ts';

/** One notice that follows from an entry, before anybody is chosen to hear of it. */
export interface PlannedNotice {
  readonly event: NoticeEvent;
  /** Ids of reviewers who are told in person. */
  readonly people: readonly string[];
  readonly vote: Notice['vote'];
}

/** What an entry tells, and whom. Pure; `review` is the state as stored, which may be later than the entry. */
export function planNotices(entry: AuditEntry, review: Review, settings: Settings): readonly PlannedNotice[] {
  const owner = review.proposer.owner === null ? [] : [review.proposer.owner];
  const plan = (event: NoticeEvent, people: readonly string[] = [], vote: Notice['vote'] = null): PlannedNotice => ({
    event,
    people: people.filter((id) => settings.reviewers.some((reviewer) => reviewer.id === id)),
    vote,
  });
  const at = Date.parse(entry.at);
  const approvers = (): readonly string[] => findVoters(review, settings.reviewers, at).map(({ id }) => id);
  switch (entry.type) {
    case 'classified':
      if (entry.status === 'blocked') return [plan('review.blocked')];
      if (entry.status === 'pending') {
        // A later version was told of by `revised` already.
        return entry.revision > 1 ? [] : [plan('review.pending', approvers())];
      }
      return entry.gate === 'soft' ? [plan('review.proceeding', [...owner, ...concerned(review, settings)])] : [];
    case 'decided': {
      const { decisionUlid, reviewer } = entry;
      const notices = [plan('review.decided', [reviewer], { decisionUlid, reviewer })];
      if (entry.decision === 'revise') notices.push(plan('review.revision_requested', owner));
      if (entry.status === 'approved' || entry.status === 'rejected') notices.push(plan('review.resolved', owner));
      else if (opensNextLevel(entry, review)) notices.push(plan('review.pending', approvers()));
      return notices;
    }
    case 'objected': {
      const { decisionUlid, reviewer } = entry;
      return [plan('review.decided', [reviewer], { decisionUlid, reviewer }), plan('execution.failed', owner)];
    }
    case 'revised':
      return [plan('review.revised', approvers())];
    case 'notified':
      if (entry.event === 'lapsed') return [plan('review.objection_lapsed', entry.recipients)];
      if (entry.event === 'reminder')
        return [plan('review.reminder', review.status === 'pending' ? approvers() : owner)];
      return entry.event === 'escalated' ? [plan('review.escalated', approvers())] : [];
    case 'expired':
      return [plan('review.resolved', [...owner, ...lastAsked(review, at, settings)])];
    case 'withdrawn':
      return [plan('review.resolved')];
    case 'aborted':
      return review.status === 'aborted'
        ? [plan('review.resolved', [...owner, ...lastAsked(review, at, settings)])]
        : [plan('execution.failed', owner)];
    case 'started':
      return [plan('execution.started')];
    case 'finished':
      return [entry.status === 'executed' ? plan('execution.executed') : plan('execution.failed', owner)];
    case 'unknown': {
      const last = review.levels.at(-1);
      // Where no decision was needed every reviewer may reconcile it: those are told who would have decided.
      const people = last === undefined ? concerned(review, settings) : idsOf(approversAt(last, at), settings);
      return [plan('execution.unknown', [...owner, ...people])];
    }
    case 'reconciled':
      return [plan('execution.reconciled', owner)];
    case 'proposed':
    case 'policy_changed':
    case 'restored':
    case 'frozen':
    case 'lifted':
      return [];
    case 'deferred':
      return [plan('execution.deferred')];
    default:
      return entry satisfies never;
  }
}

/** Whether the final answer to the proposer follows from this entry: once in the life of a review. */
export function isFinalEntry(entry: AuditEntry): boolean {
  const { endsReview } = ENTRY[entry.type];
  if (endsReview !== 'sometimes') return endsReview;
  if (entry.type === 'classified') return entry.status === 'blocked';
  if (entry.type === 'decided') return entry.status === 'rejected';
  // A late result settles what was told as unknown.
  return entry.type === 'finished' && !entry.late;
}

/** This vote was the one that its level was waiting for, and there is another. */
function opensNextLevel(entry: Extract<AuditEntry, { type: 'decided' }>, review: Review): boolean {
  if (entry.status !== 'pending' || entry.revision !== review.revision || entry.decision === 'edit') return false;
  const level = review.levels[entry.level - 1];
  return level?.status === 'passed' && level.decisions.at(-1)?.decisionUlid === entry.decisionUlid;
}

/** Who was asked last, of a review that has ended without them: members of the first level that lacked votes. */
function lastAsked(review: Review, at: number, settings: Settings): readonly string[] {
  const level = review.levels.find((one) => countYeses(one) < one.quorum);
  return level === undefined ? [] : idsOf(approversAt(level, at), settings);
}

/** Who would decide about a call that goes ahead, if it were held. */
function concerned(review: Review, settings: Settings): readonly string[] {
  const { tool, service, arguments: args } = review.call;
  const plan = settings.policy.approvalFor({
    tool,
    service,
    arguments: args ?? {},
    context: review.context,
    pinnedContext: review.context,
    proposer: review.proposer.id,
  });
  return 'error' in plan ? [] : idsOf(plan.levels[0]?.approvers ?? [], settings);
}

function idsOf(groups: readonly string[], settings: Settings): readonly string[] {
  return membersOf(groups, settings.reviewers).map(({ id }) => id);
}
