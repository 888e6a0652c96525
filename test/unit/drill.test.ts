import { describe, expect, it } from 'vitest';
import type { Delivery } from '../../src/contract/delivery.ts';
import type { Review } from '../../src/contract/review.ts';
import type { Notice } from '../../src/activities/notify/channel.ts';
import { sentenceOf, subjectOf } from '../../src/activities/notify/channels/email/compose.ts';
import { webhookBody } from '../../src/activities/notify/channels/webhook/channel.ts';
import { isDrill, reportDrill } from '../../src/domain/drill.ts';
import { showReview } from '../../src/domain/show/show-review.ts';
import { titleText } from '../../src/domain/show/title.ts';
import { aReview } from './client-fixtures.ts';

const AT = '2026-04-01T12:00:00.000Z';

function drillOf(answered: readonly string[], over: Partial<Review> = {}): Review {
  const decisions = answered.map((reviewer) => ({
    decisionUlid: '01J',
    type: 'approve' as const,
    reviewer,
    channel: 'email' as const,
    decidedAt: AT,
    level: 1,
    revision: 1,
    comment: null,
  }));
  const review = aReview({ kind: 'in-flow' });
  return {
    ...review,
    call: {
      ...review.call,
      service: 'drill',
      tool: 'drill.answer',
      arguments: { group: 'ops', members: ['ops-1', 'ops-2', 'ops-3'] },
    },
    levels: [{ name: 'drill', approvers: ['ops'], quorum: 3, escalation: null, status: 'open', decisions }],
    proposer: { id: 'drill:ops-1', owner: 'ops-1', attested: true },
    ...over,
  };
}

const delivery = (destination: string, over: Partial<Delivery> = {}): Delivery => ({
  sequence: 7,
  destination,
  event: 'review.pending',
  reviewId: aReview().reviewId,
  state: 'delivered',
  attempts: 1,
  code: null,
  httpStatus: null,
  at: AT,
  triedAt: AT,
  settledAt: AT,
  ...over,
});

describe('the report of a drill', () => {
  it('names every member: told by what, when, and what they answered', () => {
    const report = reportDrill(drillOf(['ops-2']), [
      delivery('email:ops-1', { state: 'failed', code: 'mail_refused' }),
      delivery('email:ops-2'),
      delivery('slack', { state: 'waiting', settledAt: null }),
      delivery('webhook:https://hooks.example.com/a'),
      // What follows an answer is no message of the drill.
      delivery('email:ops-2', { event: 'review.decided' }),
    ]);
    expect(report.members).toEqual([
      {
        reviewer: 'ops-1',
        notices: [{ destination: 'email:ops-1', state: 'failed', code: 'mail_refused', at: AT }],
        answer: null,
      },
      {
        reviewer: 'ops-2',
        notices: [{ destination: 'email:ops-2', state: 'delivered', code: null, at: AT }],
        answer: { at: AT, channel: 'email' },
      },
      { reviewer: 'ops-3', notices: [], answer: null },
    ]);
    expect(report.notices).toEqual([
      { destination: 'slack', state: 'waiting', code: null, at: null },
      { destination: 'webhook:https://hooks.example.com/a', state: 'delivered', code: null, at: AT },
    ]);
    expect(report).toMatchObject({ group: 'ops', startedBy: 'ops-1', endedAt: null });
  });

  it('still says who answered after retention has erased whom it was for', () => {
    const drill = drillOf(['ops-2']);
    const report = reportDrill({ ...drill, call: { ...drill.call, arguments: null } }, []);
    expect(report).toMatchObject({ group: 'ops', members: [{ reviewer: 'ops-2' }] });
  });
});

describe('isDrill', () => {
  it('takes both the kind and the name', () => {
    const drill = drillOf([]);
    expect(isDrill(drill)).toBe(true);
    expect(isDrill({ ...drill, kind: 'call' })).toBe(false);
    expect(isDrill({ ...drill, call: { ...drill.call, tool: 'in-flow.approval' } })).toBe(false);
    expect(isDrill({ kind: 'in-flow', tool: 'drill.answer' })).toBe(true);
  });
});

describe('what people read', () => {
  const notice = (review: Review, event: Notice['event'] = 'review.pending') =>
    ({ event, review, vote: null, at: AT, sequence: 1, ordinal: 0, id: '1', materials: [] }) as Notice;
  const title = 'Drill for ops: please answer. Nothing will happen.';

  it('is said in Holdpoint’s words of a drill, and in quotes where a workflow says it', () => {
    const drill = drillOf([], { title });
    const question = { ...drill, call: { ...drill.call, tool: 'in-flow.approval' } };
    expect(titleText(drill)).toBe(title);
    expect(titleText(question)).toBe(JSON.stringify(title));
    const shown = (review: Review): string =>
      JSON.stringify(showReview(review, { now: Date.parse(AT), tool: undefined, pinned: null }));
    expect(shown(drill)).toContain('This is a drill');
    expect(shown(question)).not.toContain('This is a drill');
  });

  it('tells a mail and a webhook that it is one', () => {
    const drill = drillOf([], { title });
    const question = { ...drill, call: { ...drill.call, tool: 'in-flow.approval' } };
    expect(subjectOf(notice(drill))).toBe(`Answer needed: ${title}`);
    expect(sentenceOf(notice(drill))).toContain('This is a drill');
    expect(sentenceOf(notice(question))).not.toContain('drill');
    expect(webhookBody(notice(drill), null).data).toMatchObject({ drill: true });
    expect(webhookBody(notice(question), null).data).not.toHaveProperty('drill');
  });
});
