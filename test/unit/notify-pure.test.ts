import { createHmac, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../src/contract/audit.ts';
import type { Review } from '../../src/contract/review.ts';
import { sentenceOf, stopSentence, subjectOf } from '../../src/activities/notify/channels/email/compose.ts';
import { isOvertaken } from '../../src/domain/lifecycle.ts';
import { isFinalEntry, planNotices } from '../../src/activities/notify/plan.ts';
import { nextMessage, whoHasPlace, type Pace } from '../../src/activities/notify/destinations.ts';
import { readSecrets, signMessage } from '../../src/activities/notify/channels/webhook/standard-webhook.ts';
import { wantsEvent, webhookBody, webhookName } from '../../src/activities/notify/channels/webhook/channel.ts';
import { namesPrivatePlace } from '../../src/domain/addresses.ts';
import { isCallbackAllowed } from '../../src/domain/callback.ts';
import type { Settings } from '../../src/domain/policy/settings.ts';
import { APPROVED_NOT_RUN, aReview, STOPPED } from './client-fixtures.ts';
import { AT, DIGEST, reviewIdOf, reviewOf } from '../support/storage-fixtures.ts';

const MINUTE = 60_000;
const NOW = Date.parse(AT);

describe('the rate limit', () => {
  const pace: Pace = { mode: 'per-event', limit: 3, perMs: 60 * MINUTE };

  it('tells each alone while there are messages for all', () => {
    expect(nextMessage(pace, [], 1, NOW)).toEqual({ kind: 'each' });
    expect(nextMessage(pace, [NOW - 1], 2, NOW)).toEqual({ kind: 'each' });
  });

  it('folds what does not fit into one message, at once', () => {
    expect(nextMessage(pace, [], 4, NOW)).toEqual({ kind: 'digest' });
    expect(nextMessage(pace, [NOW - 2, NOW - 1], 2, NOW)).toEqual({ kind: 'digest' });
  });

  it('waits for the oldest message to be old enough, and not longer', () => {
    const told = [NOW - 50 * MINUTE, NOW - 10 * MINUTE, NOW - MINUTE];
    expect(nextMessage(pace, told, 1, NOW)).toEqual({ kind: 'wait', ms: 10 * MINUTE });
    expect(nextMessage(pace, told, 1, NOW + 10 * MINUTE)).toEqual({ kind: 'each' });
    expect(nextMessage(pace, told, 5, NOW + 10 * MINUTE)).toEqual({ kind: 'digest' });
    // Of a limit that was higher: three of the four have to go first.
    const more = [NOW - 55 * MINUTE, ...told];
    expect(nextMessage(pace, more, 1, NOW)).toEqual({ kind: 'wait', ms: 10 * MINUTE });
  });

  it('never tells more than the limit in any window, whatever comes', () => {
    const told: number[] = [];
    let waiting = 0;
    for (let now = NOW; now < NOW + 300 * MINUTE; now += MINUTE) {
      waiting += now % (7 * MINUTE) === 0 ? 5 : 1;
      for (;;) {
        if (waiting === 0) break;
        const next = nextMessage(
          pace,
          told.filter((at) => at > now - pace.perMs),
          waiting,
          now,
        );
        if (next.kind === 'wait') break;
        told.push(now);
        waiting -= next.kind === 'each' ? 1 : waiting;
      }
      expect(told.filter((at) => at > now - pace.perMs).length).toBeLessThanOrEqual(pace.limit);
    }
    expect(told.length).toBeGreaterThan(10);
  });

  it('is one person’s: being called by name elsewhere takes a place too', () => {
    const mentions = [NOW - 30 * MINUTE, NOW - 20 * MINUTE];
    expect(nextMessage(pace, [], 1, NOW, mentions)).toEqual({ kind: 'each' });
    expect(nextMessage(pace, [], 2, NOW, mentions)).toEqual({ kind: 'digest' });
    expect(nextMessage(pace, [NOW - MINUTE], 1, NOW, mentions)).toEqual({ kind: 'wait', ms: 30 * MINUTE });
    expect(nextMessage(pace, [NOW - 50 * MINUTE], 1, NOW, mentions)).toEqual({ kind: 'wait', ms: 10 * MINUTE });
    // Whether one that is being sent was told is known soon.
    expect(nextMessage(pace, [], 1, NOW, [...mentions, 'under_way'])).toEqual({ kind: 'wait', ms: 30_000 });
  });

  it('mentions hold up a digest only where they have used up the limit', () => {
    const digest: Pace = { ...pace, mode: 'digest' };
    expect(nextMessage(digest, [], 5, NOW, [NOW - 2, NOW - 1])).toEqual({ kind: 'digest' });
    expect(nextMessage(digest, [], 5, NOW, [NOW - MINUTE, NOW - 2, NOW - 1])).toEqual({
      kind: 'wait',
      ms: 59 * MINUTE,
    });
    expect(nextMessage(digest, [NOW - MINUTE], 5, NOW, [NOW - 2])).toEqual({ kind: 'wait', ms: 59 * MINUTE });
  });

  it('those are called by name who have a place left, and the last is kept for a mail that waits', () => {
    const person = (reviewer: string, told: number, mailWaits: boolean) => ({ reviewer, told, mailWaits });
    expect(
      whoHasPlace(3, [person('a', 0, true), person('b', 2, false), person('c', 2, true), person('d', 3, false)]),
    ).toEqual(['a', 'b']);
    expect(whoHasPlace(1, [person('a', 0, true), person('b', 0, false)])).toEqual(['b']);
  });

  it('a digest reader gets one message in the time, with all of it', () => {
    const digest: Pace = { ...pace, mode: 'digest' };
    expect(nextMessage(digest, [], 1, NOW)).toEqual({ kind: 'digest' });
    expect(nextMessage(digest, [NOW - MINUTE], 9, NOW)).toEqual({ kind: 'wait', ms: 59 * MINUTE });
  });
});

describe('who is told what', () => {
  const reviewId = reviewIdOf(1);
  const settings = {
    reviewers: [
      { id: 'ops-1', groups: ['ops'] },
      { id: 'ops-2', groups: ['ops'] },
      { id: 'finance-1', groups: ['finance'] },
      { id: 'manager-1', groups: ['managers'] },
      { id: 'audit-1', groups: ['ops'], role: 'auditor' },
    ],
  } as unknown as Settings;
  const base = { schemaVersion: 1, deploymentId: 'test', at: AT, reviewId } as const;
  const classified: AuditEntry = {
    ...base,
    type: 'classified',
    revision: 1,
    class: 'irreversible',
    gate: 'hard',
    status: 'pending',
    reasonCodes: [],
    digest: DIGEST,
    policyDigest: DIGEST,
    override: false,
  };
  const decided = (over: Partial<Extract<AuditEntry, { type: 'decided' }>> = {}): AuditEntry => ({
    ...base,
    type: 'decided',
    decisionUlid: 'U1',
    decision: 'approve',
    reviewer: 'ops-2',
    channel: 'api',
    revision: 1,
    level: 1,
    digest: DIGEST,
    envelopeDigest: DIGEST,
    status: 'pending',
    ...over,
  });
  const vote = (reviewer: string, decisionUlid = 'U1') => ({
    decisionUlid,
    type: 'approve' as const,
    reviewer,
    channel: 'api' as const,
    decidedAt: AT,
    level: 1,
    revision: 1,
    comment: null,
  });
  const told = (entry: AuditEntry, review: Review) =>
    planNotices(entry, review, settings).map(({ event, people }) => [event, people.toSorted()]);
  const level = (over: Partial<Review['levels'][number]>): Review['levels'][number] => ({
    name: 'approval',
    approvers: ['ops'],
    quorum: 1,
    escalation: null,
    status: 'open',
    decisions: [],
    ...over,
  });

  it('a pending review: its approvers, no auditors, and under separation of duties not the owner', () => {
    expect(told(classified, reviewOf(reviewId))).toEqual([['review.pending', ['ops-1', 'ops-2']]]);
    const separated = reviewOf(reviewId, { separationOfDuties: true });
    expect(told(classified, separated)).toEqual([['review.pending', ['ops-2']]]);
  });

  it('every vote: whoever it was cast for; the last of a level also those of the next', () => {
    const levels = [
      level({ status: 'passed', decisions: [vote('ops-2')] }),
      level({ name: 'finance', approvers: ['finance'] }),
    ];
    const review = reviewOf(reviewId, { levels, level: 2 });
    expect(told(decided(), review)).toEqual([
      ['review.decided', ['ops-2']],
      ['review.pending', ['finance-1']],
    ]);
    expect(told(decided({ decisionUlid: 'U0' }), review)).toEqual([['review.decided', ['ops-2']]]);
  });

  it('a no after the last yes: whoever it was cast for, and the owner; one that lapsed: its reviewer', () => {
    const said = { reviewer: 'ops-2', decisionUlid: 'U2', channel: 'api', revision: 1, digest: DIGEST } as const;
    const objected: AuditEntry = { ...base, ...said, type: 'objected', envelopeDigest: DIGEST };
    const review = aReview(STOPPED);
    expect(told(objected, review)).toEqual([
      ['review.decided', ['ops-2']],
      ['execution.failed', ['ops-1']],
    ]);
    const lapsed: AuditEntry = { ...base, type: 'notified', event: 'lapsed', channel: 'log', recipients: ['ops-2'] };
    expect(told(lapsed, reviewOf(reviewId))).toEqual([['review.objection_lapsed', ['ops-2']]]);
  });

  it('mails say that a call was stopped, and while it can be stopped', () => {
    const mail = (review: Review) => {
      const notice = { id: 'e', sequence: 1, event: 'execution.failed' as const, at: AT, review, vote: null };
      return [subjectOf(notice), sentenceOf(notice)];
    };
    const failed = { ...aReview(STOPPED).execution, error: { code: 'drifted', message: '' } };
    expect(mail(aReview(STOPPED))).not.toEqual(mail(aReview({ ...STOPPED, execution: failed })));
    expect(stopSentence(aReview(APPROVED_NOT_RUN))).toHaveLength(1);
    expect(stopSentence(aReview(STOPPED))).toEqual([]);
  });

  it('the end: the owner; of one that ended in silence also who was asked last, with whom it was escalated to', () => {
    expect(told(decided({ status: 'rejected' }), reviewOf(reviewId, { status: 'rejected' }))).toEqual([
      ['review.decided', ['ops-2']],
      ['review.resolved', ['ops-1']],
    ]);
    const levels = [
      level({ decisions: [vote('ops-1')] }),
      level({ approvers: ['finance'], escalation: { at: AT, to: ['managers'] } }),
    ];
    const expired = reviewOf(reviewId, { status: 'expired', level: 0, levels });
    expect(told({ ...base, type: 'expired', expiresAt: AT }, expired)).toEqual([
      ['review.resolved', ['finance-1', 'manager-1', 'ops-1']],
    ]);
  });

  it('reminders and escalation: who has not voted yet', () => {
    const levels = [level({ quorum: 2, decisions: [vote('ops-2')], escalation: { at: AT, to: ['managers'] } })];
    const notified = { ...base, type: 'notified' as const, channel: 'log', recipients: [] };
    const review = reviewOf(reviewId, { levels });
    expect(told({ ...notified, event: 'escalated' }, review)).toEqual([['review.escalated', ['manager-1', 'ops-1']]]);
    expect(told({ ...notified, event: 'reminder' }, review)).toEqual([['review.reminder', ['manager-1', 'ops-1']]]);
  });

  it('an unknown outcome: the owner and those who may reconcile it; without levels those who would have decided', () => {
    const unknown: AuditEntry = { ...base, type: 'unknown', errorCode: 'lost_answer' };
    const levels = [level({ status: 'passed' }), level({ approvers: ['finance'], status: 'passed' })];
    expect(told(unknown, reviewOf(reviewId, { status: 'approved', levels }))).toEqual([
      ['execution.unknown', ['finance-1', 'ops-1']],
    ]);
    const free = reviewOf(reviewId, { status: 'not_required', levels: [] });
    const approvalFor = () => ({ levels: [level({})] });
    const inForce = { ...settings, policy: { approvalFor } } as unknown as Settings;
    expect(planNotices(unknown, free, inForce)[0]?.people).toEqual(expect.arrayContaining(['ops-1', 'ops-2']));
  });

  it('people are not called to what is over; machines and the voter hear of it all the same', () => {
    const over = reviewOf(reviewId, { status: 'expired' });
    expect(isOvertaken('review.pending', over.status)).toBe(true);
    expect(isOvertaken('review.decided', over.status)).toBe(false);
    expect(isOvertaken('review.pending', reviewOf(reviewId).status)).toBe(false);
  });

  it('the final answer follows from the first entry that makes it final', () => {
    const finished = { ...base, type: 'finished', status: 'executed', errorCode: null, resultDigest: null } as const;
    expect(isFinalEntry({ ...finished, late: false })).toBe(true);
    expect(isFinalEntry({ ...finished, late: true })).toBe(false);
    expect(isFinalEntry(decided({ status: 'rejected' }))).toBe(true);
    expect(isFinalEntry(decided({ status: 'approved' }))).toBe(false);
    expect(isFinalEntry(classified)).toBe(false);
  });
});

describe('standard webhooks', () => {
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  const next = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;

  it('are verified by the library of those who specified them, also while the secret is replaced', () => {
    const secrets = readSecrets(`${secret} ${next}`);
    const headers = signMessage('evt_test_1_0', '{"a":1}', Date.now(), secrets ?? []);
    for (const known of [secret, next]) {
      expect(new Webhook(known).verify('{"a":1}', headers)).toEqual({ a: 1 });
      expect(() => new Webhook(known).verify('{"a":2}', headers)).toThrow();
    }
  });

  it('v1a: Ed25519 over id, time and body', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const seed = privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(-32);
    const [parsed] = readSecrets(`whsk_${seed.toString('base64')}`) ?? [];
    const headers = signMessage('evt_1', 'body', 1_700_000_000_000, parsed === undefined ? [] : [parsed]);
    const [version, signature = ''] = (headers['webhook-signature'] ?? '').split(',');
    expect(version).toBe('v1a');
    const signed = Buffer.from('evt_1.1700000000.body');
    expect(
      verify(
        null,
        signed,
        createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })),
        Buffer.from(signature, 'base64'),
      ),
    ).toBe(true);
  });

  it('a secret that is none signs nothing, not even beside a good one', () => {
    for (const text of ['', 'secret', 'whsec_', 'whsec_AAAA', `${secret} nonsense`, 'whpk_AAAA'])
      expect(readSecrets(text)).toBeUndefined();
    expect(readSecrets(secret)).toHaveLength(1);
    expect(createHmac('sha256', Buffer.alloc(32, 7)).update('x').digest()).toHaveLength(32);
  });

  it('a body is thin: ids and states, nothing that an agent or a target said, below 20 kB', () => {
    const long = 'x'.repeat(255);
    const review = reviewOf(reviewIdOf(1), { threadId: long, group: long, reasonCodes: Array(500).fill(long) });
    const notice = { id: 'evt', sequence: 7, event: 'review.pending' as const, at: AT, review, vote: null };
    const text = JSON.stringify(webhookBody(notice, 'https://holdpoint.example.com/'));
    expect(text.length).toBeLessThan(20_000);
    for (const said of ['acme', 'no longer used', 'production', 'api.github.com', 'Stars'])
      expect(text).not.toContain(said);
    expect(JSON.parse(text)).toMatchObject({
      type: 'review.pending',
      data: { sequence: 7, url: `https://holdpoint.example.com/reviews/${review.reviewId}` },
    });
  });

  it('event filters are names, or beginnings followed by *', () => {
    expect(wantsEvent(['review.*'], 'review.pending')).toBe(true);
    expect(wantsEvent(['review.*'], 'execution.failed')).toBe(false);
    expect(wantsEvent(['*'], 'execution.failed')).toBe(true);
    expect(wantsEvent(['execution.failed'], 'execution.failed')).toBe(true);
    expect(wantsEvent(['execution.fail'], 'execution.failed')).toBe(false);
  });

  it('a destination is shown without the query of its URL, and still told apart', () => {
    expect(webhookName('https://a.example.com/hook')).toBe('webhook:https://a.example.com/hook');
    const [one, two] = ['token=1', 'token=2'].map((query) => webhookName(`https://a.example.com/hook?${query}`));
    expect(one).not.toBe(two);
    expect(one).not.toContain('token');
  });
});

describe('callbacks', () => {
  const prefixes = ['https://agents.example.com/holdpoint/'];
  it.each([
    ['https://agents.example.com/holdpoint/', true],
    ['https://agents.example.com:443/holdpoint/a?thread=1', true],
    ['https://AGENTS.example.com/holdpoint/a/../b', true],
    ['http://agents.example.com/holdpoint/a', false],
    ['https://agents.example.com:8443/holdpoint/a', false],
    ['https://agents.example.com/holdpoint', false],
    ['https://agents.example.com/holdpoint-evil/a', false],
    ['https://agents.example.com/holdpoint/../admin', false],
    ['https://agents.example.com/holdpoint/%2e%2e/admin', false],
    ['https://agents.example.com/holdpoint/%2E%2E%2Fadmin', false],
    ['https://agents.example.com/holdpoint/..%2fadmin', false],
    ['https://agents.example.com/holdpoint/..%5cadmin', false],
    ['https://agents.example.com/holdpoint\\..\\admin', false],
    ['https://agents.example.com/holdpoint/..;/admin', false],
    ['https://agents.example.com@evil.example/holdpoint/a', false],
    ['https://user:pass@agents.example.com/holdpoint/a', false],
    ['https://agents.example.com.evil.example/holdpoint/a', false],
    ['https://agents.example.com./holdpoint/a', false],
    ['https://agents.example.com/holdpoint/a#b', false],
    ['//agents.example.com/holdpoint/a', false],
    ['javascript:alert(1)', false],
  ])('%s → %s', (url, allowed) => {
    expect(isCallbackAllowed(url, prefixes)).toBe(allowed);
  });

  it('a private place is one that says so', () => {
    for (const url of [
      'http://127.0.0.1:3000/',
      'http://[::1]/',
      'http://localhost/',
      'http://agent:8080/',
      'http://a.internal/',
    ])
      expect(namesPrivatePlace(url)).toBe(true);
    for (const url of ['https://agents.example.com/', 'https://internal.example.com/']) {
      expect(namesPrivatePlace(url)).toBe(false);
    }
  });
});
