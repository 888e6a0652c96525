import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NOT_STARTED } from '../../src/contract/constants.ts';
import { reviewSchema, type DecisionView, type Material, type Review } from '../../src/contract/review.ts';
import { digestMaterial } from '../../src/domain/proof/digest.ts';
import { clip, describeProposal, describeReview, escapeMarkdown } from '../../src/domain/gate/describe.ts';
import { evolve, openGate, specOf, type GateEvent, type GateState } from '../../src/domain/gate/state.ts';
import { viewReview, type ReviewRecord, type RevisionRecord } from '../../src/domain/gate/view.ts';
import { withExecution } from '../../src/storage/reviews/review-row.ts';
import { HOUR, iso, levelOf, materialOf, NOON, REVIEW_ID } from '../support/materials.ts';

const ALLOWED = ['approve', 'edit', 'reject', 'revise'] as const;

function revisionOf(material: Material, over: Partial<RevisionRecord> = {}): RevisionRecord {
  return {
    material,
    digest: digestMaterial(material),
    gate: 'hard',
    reasonCodes: ['irreversible-tool'],
    previewError: null,
    submittedAt: iso(NOON),
    by: 'agent-1',
    decisions: [],
    ...over,
  };
}

function recordOf(material: Material, events: readonly GateEvent[], over: Partial<ReviewRecord> = {}): ReviewRecord {
  const opened: GateState = openGate(specOf(material, digestMaterial(material), ALLOWED));
  return {
    base: {
      reviewId: REVIEW_ID,
      decisionId: REVIEW_ID.replace('rev_', 'dec_'),
      deploymentId: material.deploymentId,
      kind: material.kind,
      proposer: { id: 'agent-1', owner: 'ops-3', attested: true },
      reason: null,
      threadId: null,
      group: null,
      callback: null,
      title: null,
      proposedAt: iso(NOON),
      workflow: { workflowId: REVIEW_ID, runId: 'run', url: null },
    },
    revisions: [revisionOf(material)],
    gate: events.reduce(evolve, opened),
    ungated: null,
    allowed: ALLOWED,
    execution: NOT_STARTED,
    ...over,
  };
}

const vote = (level: number, reviewer = 'ops-1'): GateEvent => ({
  type: 'voted',
  vote: { decisionUlid: '01J', reviewer, level, type: 'approve' },
});
const decision = (over: Partial<DecisionView> = {}): DecisionView => ({
  decisionUlid: '01J',
  type: 'approve',
  reviewer: 'ops-1',
  channel: 'api',
  decidedAt: iso(NOON),
  level: 1,
  revision: 1,
  comment: null,
  ...over,
});
const approved: GateEvent = {
  type: 'approved',
  by: 'ops-1',
  comment: 'fine',
  answer: { kind: 'approve' },
  at: NOON + 1,
};

describe('the full state of a review', () => {
  const chained = materialOf({ levels: [levelOf('ops'), levelOf('finance', 2)] });

  it('has the documented shape in every state of the gate', () => {
    const states: GateEvent[][] = [
      [],
      [vote(1), { type: 'levelPassed', level: 1 }],
      [{ type: 'changesRequested', by: 'ops-1', comment: 'smaller', at: NOON }],
      [approved],
      [{ type: 'rejected', by: 'ops-1', comment: null, at: NOON }],
      [{ type: 'expired', at: NOON + 24 * HOUR }],
      [{ type: 'withdrawn', by: 'agent-1', at: NOON }],
      [{ type: 'aborted', reason: 'cancelled', at: NOON }],
    ];
    for (const events of states)
      expect(reviewSchema.safeParse(viewReview(recordOf(chained, events))).error).toBeUndefined();
  });

  it('shows which level is open, and what was said on it', () => {
    const record = recordOf(chained, [vote(1), { type: 'levelPassed', level: 1 }]);
    const view = viewReview({ ...record, revisions: [revisionOf(chained, { decisions: [decision()] })] });
    expect(view.level).toBe(2);
    expect(view.levels.map(({ status }) => status)).toEqual(['passed', 'open']);
    expect(view.levels.map(({ decisions }) => decisions.length)).toEqual([1, 0]);
    expect(view.allowedDecisions).toEqual([...ALLOWED]);
  });

  it('is one of a person only where a person said so', () => {
    const resolution = (events: GateEvent[]) => viewReview(recordOf(chained, events)).resolution;
    expect(resolution([approved])).toMatchObject({ type: 'approve', by: 'ops-1', comment: 'fine', retryable: false });
    expect(resolution([{ type: 'rejected', by: 'ops-1', comment: 'no', at: NOON }])).toMatchObject({
      type: 'reject',
      by: 'ops-1',
      retryable: false,
    });
    expect(resolution([{ type: 'expired', at: NOON }])).toMatchObject({ type: 'expired', by: null, retryable: true });
    expect(resolution([{ type: 'aborted', reason: 'x', at: NOON }])).toMatchObject({ type: 'aborted', by: null });
    expect(resolution([])).toBeNull();
  });

  it('allows nothing while evidence is still gathered, and only a no while changes are awaited', () => {
    const gathering = { ...recordOf(chained, []), revisions: [revisionOf(chained, { digest: null })] };
    expect(viewReview(gathering).allowedDecisions).toEqual([]);
    const waiting = recordOf(chained, [{ type: 'changesRequested', by: 'ops-1', comment: 'smaller', at: NOON }]);
    expect(viewReview(waiting).allowedDecisions).toEqual(['reject']);
    expect(viewReview(waiting).feedback).toEqual({ by: 'ops-1', comment: 'smaller', at: iso(NOON) });
  });

  it('allows exactly a no between the last yes and the claim', () => {
    const record = recordOf(chained, [approved]);
    expect(viewReview(record).allowedDecisions).toEqual(['reject']);
    const question = { ...record, base: { ...record.base, kind: 'in-flow' as const } };
    expect(viewReview(question).allowedDecisions).toEqual([]);
    const { execution: _none, ...stored } = viewReview(record);
    for (const status of ['executing', 'executed', 'failed', 'outcome_unknown'] as const) {
      const execution = { ...NOT_STARTED, status };
      expect(viewReview({ ...record, execution }).allowedDecisions).toEqual([]);
      // The execute worker writes its column alone; the state beside it is that of the last yes.
      expect(withExecution(stored, execution).allowedDecisions).toEqual([]);
    }
    expect(withExecution(stored, NOT_STARTED).allowedDecisions).toEqual(['reject']);
  });

  it('keeps the deadline of the gate, which never moves later', () => {
    const later = materialOf({ revision: 2, expiresAt: iso(NOON + 48 * HOUR) });
    const spec = specOf(later, digestMaterial(later), ALLOWED);
    const record = recordOf(chained, [{ type: 'revised', spec }]);
    const view = viewReview({ ...record, revisions: [revisionOf(chained), revisionOf(later)] });
    expect(view.expiresAt).toBe(iso(NOON + 24 * HOUR));
    expect(view.revision).toBe(2);
  });

  it('shows older versions by digest alone', () => {
    const second = materialOf({ revision: 2, arguments: { id: 'a-2' } });
    const edited = revisionOf(chained, { decisions: [decision({ type: 'edit' })] });
    const view = viewReview({ ...recordOf(second, []), revisions: [edited, revisionOf(second, { by: 'ops-1' })] });
    expect(view.revisions.map(({ call }) => call.arguments)).toEqual([null, { id: 'a-2' }]);
    expect(view.revisions[0]?.call.digest).toBe(digestMaterial(chained));
    expect(view.execution.edited).toBe(true);
  });

  it('names no class for a tool that nobody knows', () => {
    const ungated = { status: 'blocked', at: iso(NOON) } as const;
    const blocked = (code: string): Review =>
      viewReview({
        ...recordOf(chained, []),
        gate: null,
        ungated,
        revisions: [revisionOf(chained, { reasonCodes: [code], gate: null })],
      });
    expect(blocked('unknown_tool').class).toBeNull();
    expect(blocked('forbidden').class).toBe('irreversible');
    expect(blocked('forbidden').resolution?.type).toBe('blocked');
  });
});

describe('what the Temporal Web UI shows', () => {
  const bytes = (text: string): number => Buffer.byteLength(text, 'utf8');

  it('clips to bytes on a character boundary', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), fc.integer({ min: 3, max: 60 }), (text, limit) => {
        const clipped = clip(text, limit);
        expect(bytes(clipped)).toBeLessThanOrEqual(limit);
        expect(clipped).not.toMatch(/[\ud800-\udfff]/u);
        if (bytes(text) <= limit) expect(clipped).toBe(text);
        else expect(text.startsWith(clipped.slice(0, -1)) && clipped.endsWith('…')).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('keeps the summary within 400 bytes and the details within 20,000', () => {
    const huge = materialOf({ arguments: { text: '🙂é'.repeat(50_000) } });
    const titled = { title: '{text} '.repeat(20) };
    expect(bytes(describeProposal(huge, 'agent-1', titled).summary)).toBeLessThanOrEqual(400);
    expect(describeProposal(materialOf(), 'agent-1', { title: 'Close {id}' }).summary).toBe('Close "a-1"');
    const details = describeReview(viewReview(recordOf(huge, [])), NOON);
    expect(bytes(details)).toBeLessThanOrEqual(20_000);
  });

  it('leaves no character of Markdown without its backslash, and no line that begins a block', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'\\`*_{}[]()<>#+-!|~&:/@$^=. 1ab'.split('')) }), (text) => {
        const escaped = escapeMarkdown(text);
        // Images and links begin with a bracket; parentheses alone mean nothing.
        const bare = escaped.replace(/\\./g, 'x');
        expect(bare).not.toMatch(/[\\`*_{}[\]<>|~&@$^]|--|:\//);
        expect(bare).not.toMatch(/^\s*([#+=-]|\d+[.)])/);
        expect(escaped.replace(/\\(.)/g, '$1')).toBe(text);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each(['1,250.00 HUF (125000)', '2024-01-01 by demo-agent', 'Really?! 12:30 = noon #1'])(
    'leaves %s as it is, for views that do not render Markdown',
    (text) => {
      expect(escapeMarkdown(text)).toBe(text);
    },
  );

  it.each(['https://evil.example', 'www.evil.example', 'WWW.evil.example', 'a@evil.example'])(
    'draws no link out of %s',
    (text) => {
      expect(escapeMarkdown(text)).not.toMatch(/https?:\/\/|www\.|\w@\w/i);
    },
  );

  it.each([
    ['line feed', '\n'],
    ['carriage return', '\r'],
    ['escape', '\u001b'],
    ['NUL', '\0'],
    ['C1 control', '\u0085'],
    ['right-to-left override', '\u202e'],
    ['isolate', '\u2066'],
    ['Arabic letter mark', '\u061c'],
    ['zero-width space', '\u200b'],
    ['zero-width joiner', '\u200d'],
    ['word joiner', '\u2060'],
    ['soft hyphen', '\u00ad'],
    ['byte order mark', '\ufeff'],
    ['line separator', '\u2028'],
    ['paragraph separator', '\u2029'],
    ['Hangul filler', '\u3164'],
    ['combining grapheme joiner', '\u034f'],
    ['variation selector', '\ufe0f'],
    ['tag character', '\u{e0041}'],
    ['half a character', '\ud83d'],
    ['interlinear annotation', '\ufff9'],
  ])('shows a %s as what it is not', (_name, character) => {
    expect(escapeMarkdown(`a${character}b`)).toBe('a\ufffdb');
  });

  it('is one line where the call is', () => {
    const material = materialOf({ arguments: { note: 'a\n\u202e# b' } });
    const { summary } = describeProposal(material, 'agent-1', { title: 'Note {note}' });
    expect(summary).not.toMatch(/[\n\u202e]/);
  });

  it('lets nobody but us write Markdown into the details', () => {
    const hostile = '](https://evil.example) ![x](y) # `` **approved** <img src=x> \n\n# approved';
    const material = materialOf({
      tool: `payouts.${hostile}`,
      proposer: hostile,
      arguments: { [hostile]: hostile },
      levels: [levelOf(hostile)],
    });
    const record = recordOf(material, []);
    const review = viewReview({
      ...record,
      base: {
        ...record.base,
        reason: hostile,
        title: hostile,
        proposer: { id: hostile, owner: hostile, attested: false },
      },
      revisions: [revisionOf(material, { reasonCodes: [hostile] })],
    });
    const details = describeReview(review, NOON);
    expect(details.replaceAll('](<http://127.0.0.1', '')).not.toMatch(/(?<!\\)[[\]<>`]/);
    expect(details).not.toMatch(/\n# /);
    // The one bold word is ours.
    expect(details.replaceAll(String.raw`\*`, '').match(/\*\*/g)).toHaveLength(2);
    expect(details.startsWith('**Waiting for')).toBe(true);
  });

  it('names those it escalates to from then on', () => {
    const levels = [levelOf('ops', 1, { at: iso(NOON + HOUR), to: ['managers'] })];
    const review = viewReview(recordOf(materialOf({ levels }), []));
    expect(describeReview(review, NOON)).not.toContain('managers');
    expect(describeReview(review, NOON + HOUR)).toContain('managers');
  });
});
