import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AuditEntry, ProofFile } from '../../src/contract/audit.ts';
import type { TrustedKey } from '../../src/contract/envelope.ts';
import type { Material } from '../../src/contract/review.ts';
import { digestMaterial } from '../../src/domain/proof/digest.ts';
import { verifyProof } from '../../src/domain/proof/verify-proof.ts';
import { KEYS, materialOf, stateCompleteness, Story, trusted, TRUST } from '../support/proof-fixture.ts';
import { AT, DIGEST, LATER, OTHER_DIGEST, reviewIdOf } from '../support/storage-fixtures.ts';

const codesOf = (file: unknown, trust: readonly TrustedKey[] = TRUST) => [
  ...new Set(verifyProof(file, trust).findings.map(({ code }) => code)),
];
const codesOfStory = (story: Story) => codesOf(story.proof());

const plain = materialOf();
const approved = () => new Story().proposed().classified(plain).decided(plain, 'ops-1');
const executed = () => approved().started(plain).finished();
const level = (name: string, quorum: number) => ({ name, approvers: [name], quorum, escalation: null });

describe('a proof that holds', () => {
  it('executed after one yes', () => {
    const verdict = verifyProof(executed().proof(), TRUST);
    expect(verdict).toMatchObject({ ok: true, findings: [], checkpoint: { origin: 'holdpoint/test', size: 11 } });
  });

  it.each<[string, () => Story]>([
    ['still pending', () => new Story().proposed().classified(plain)],
    ['approved and not started', approved],
    ['rejected', () => new Story().proposed().classified(plain).decided(plain, 'ops-1', 'reject')],
    ['stopped after the last yes', () => approved().objected(plain, 'ops-2')],
    ['expired', () => new Story().proposed().classified(plain).add({ type: 'expired', expiresAt: LATER })],
    ['blocked', () => new Story().proposed().classified(plain, 'blocked')],
    [
      'approved, then too old to run',
      () =>
        approved().add({
          type: 'finished',
          status: 'failed',
          errorCode: 'approval_stale',
          resultDigest: null,
          late: false,
        }),
    ],
    [
      'lost, then settled by its own late answer',
      () =>
        approved()
          .started(plain)
          .add({ type: 'unknown', errorCode: 'lost_answer' })
          .add({ type: 'finished', status: 'executed', errorCode: null, resultDigest: DIGEST, late: true }),
    ],
    ['sent again with its key', () => approved().started(plain).started(plain, { resend: true }).finished()],
    [
      'notified in between',
      () => approved().add({ type: 'notified', event: 'decided', channel: 'email', recipients: ['ops-1'] }),
    ],
  ])('%s', (_name, story) => expect(codesOfStory(story())).toEqual([]));

  it('a late answer after a person had settled it, once', () => {
    const late = { type: 'finished', status: 'executed', errorCode: null, resultDigest: DIGEST, late: true } as const;
    const settled = () =>
      approved()
        .started(plain)
        .add({ type: 'unknown', errorCode: 'lost_answer' })
        .add({ type: 'reconciled', outcome: 'failed', by: 'ops-2', envelopeDigest: DIGEST });
    // The fixture signs no reconciliation: its envelope is all that is missing.
    expect(codesOfStory(settled().add(late))).toEqual(['envelope_missing']);
    expect(codesOfStory(settled().add(late).add(late))).toContain('order_broken');
    expect(codesOfStory(settled().add({ ...late, late: false }))).toContain('order_broken');
  });

  it('a free call', () => {
    const free = materialOf({ class: 'reversible', levels: [], expiresAt: null });
    expect(codesOfStory(new Story().proposed().classified(free, 'not_required').started(free).finished())).toEqual([]);
  });

  it('two levels and a quorum of two', () => {
    const chained = materialOf({ levels: [level('ops', 1), level('finance', 2)], separationOfDuties: true });
    const story = new Story().proposed().classified(chained).decided(chained, 'ops-1');
    story.decided(chained, 'finance-1', 'approve', { level: 2 }).decided(chained, 'finance-2', 'approve', { level: 2 });
    expect(codesOfStory(story.started(chained).finished())).toEqual([]);
  });

  it('an edit counts as the yes to what it made', () => {
    const edited = materialOf({ revision: 2, arguments: { repo: 'older' } });
    const story = new Story()
      .proposed()
      .classified(plain)
      .decided(plain, 'ops-1', 'edit', { editedArguments: { repo: 'older' } });
    expect(codesOfStory(story.classified(edited).started(edited).finished())).toEqual([]);
  });
});

describe('a start that nobody carried', () => {
  const startedWith = (material: Material, vote: (story: Story) => unknown) => {
    const story = new Story().proposed().classified(material);
    vote(story);
    return codesOfStory(story.started(material).finished());
  };

  it('no yes at all', () => expect(startedWith(plain, () => 0)).toEqual(['quorum_missing']));

  it('one person twice is one', () => {
    const two = materialOf({ levels: [level('ops', 2)] });
    expect(startedWith(two, (s) => s.decided(two, 'ops-1').decided(two, 'ops-1'))).toEqual(['quorum_missing']);
    expect(startedWith(two, (s) => s.decided(two, 'ops-1').decided(two, 'ops-2'))).toEqual([]);
  });

  it('a level is not carried by the votes of another', () => {
    const chained = materialOf({ levels: [level('ops', 1), level('finance', 1)] });
    expect(startedWith(chained, (s) => s.decided(chained, 'ops-1').decided(chained, 'ops-2'))).toEqual([
      'quorum_missing',
    ]);
  });

  it.each(['cleanup-agent', 'owner-1'])('with separate duties not by %s', (reviewer) => {
    const separate = materialOf({ separationOfDuties: true });
    expect(startedWith(separate, (s) => s.decided(separate, reviewer))).toEqual(['quorum_missing']);
  });

  it('with separate duties nobody fills two levels', () => {
    const chained = materialOf({ levels: [level('ops', 1), level('finance', 1)], separationOfDuties: true });
    const twice = (s: Story) => s.decided(chained, 'x').decided(chained, 'x', 'approve', { level: 2 });
    expect(startedWith(chained, twice)).toEqual(['quorum_missing']);
  });

  it('a yes after the deadline', () => {
    expect(
      startedWith(plain, (s) => s.decided(plain, 'ops-1', 'approve', { decidedAt: '2026-04-01T13:00:00.001Z' })),
    ).toEqual(['quorum_missing']);
  });

  it('a yes to an earlier revision', () => {
    const revised = materialOf({ revision: 2, arguments: { repo: 'other' } });
    const story = approved().classified(revised).started(revised).finished();
    expect(codesOfStory(story)).toEqual(['quorum_missing']);
  });

  it.each<[string, Partial<Material>]>([
    ['other arguments than it names', { arguments: { repo: 'third' } }],
    ['separate duties', { separationOfDuties: true }],
    ['evidence that changed with it', { evidence: { facts: [], sourceHash: DIGEST, gatheredAt: AT } }],
    ['another tool', { tool: 'github.repos.transfer' }],
    ['a later revision', { revision: 3 }],
  ])('an edit does not count with %s', (_name, over) => {
    const edited = materialOf({ revision: 2, arguments: { repo: 'older' }, ...over });
    const story = new Story()
      .proposed()
      .classified(plain)
      .decided(plain, 'ops-1', 'edit', { editedArguments: { repo: 'older' } });
    expect(codesOfStory(story.classified(edited).started(edited).finished())).toEqual(['quorum_missing']);
  });

  it('a no comes first, whatever came before it', () => {
    const two = materialOf({ levels: [level('ops', 2)] });
    const story = new Story()
      .proposed()
      .classified(two)
      .decided(two, 'ops-1')
      .decided(two, 'ops-2')
      .decided(two, 'ops-3', 'reject');
    expect(codesOfStory(story.started(two).finished())).toEqual(['denied_but_started']);
  });

  it.each([
    { type: 'expired' as const, expiresAt: LATER },
    { type: 'withdrawn' as const, by: 'cleanup-agent', envelopeDigest: null },
    { type: 'aborted' as const, reason: 'terminated' },
  ])('started after: $type', (end) => {
    expect(codesOfStory(approved().add(end).started(plain).finished())).toEqual(['denied_but_started']);
  });

  it('an objection is a no, and says what its envelope says', () => {
    expect(codesOfStory(approved().objected(plain, 'ops-2').started(plain))).toEqual(['denied_but_started']);
    const yes = approved().objected(plain, 'ops-2').decided(plain, 'ops-2');
    const {
      type: _decided,
      decision: _d,
      level: _l,
      status: _s,
      ...said
    } = yes.entries.at(-1) as Extract<AuditEntry, { type: 'decided' }>;
    const forged = new Story().proposed().classified(plain);
    forged.envelopes.push(...yes.envelopes.slice(-1));
    expect(codesOfStory(forged.add({ ...said, type: 'objected' }))).toEqual(['entry_contradicts_envelope']);
  });

  it('a yes that came after the start', () => {
    const story = new Story().proposed().classified(plain).started(plain).decided(plain, 'ops-1');
    expect(codesOfStory(story)).toEqual(['order_broken', 'quorum_missing']);
  });

  it('another digest than the file shows', () => {
    expect(codesOfStory(approved().started(plain, { digest: OTHER_DIGEST }).finished())).toEqual(['started_unknown']);
    expect(codesOfStory(approved().started(plain, { revision: 2 }).finished())).toEqual(['started_unknown']);
  });

  it('an irreversible call without levels', () => {
    const bare = materialOf({ levels: [] });
    expect(codesOfStory(new Story().proposed().classified(bare, 'not_required').started(bare))).toEqual([
      'reclassified_free',
    ]);
  });
});

describe('a file that somebody changed', () => {
  const change = (edit: (file: ProofFile) => unknown): ProofFile => {
    const file = structuredClone(executed().proof());
    edit(file);
    return file;
  };

  it.each<[string, (file: ProofFile) => unknown, readonly string[]]>([
    [
      'an entry’s words',
      (f) => Object.assign(f.entries[2]?.entry ?? {}, { reviewer: 'ops-2' }),
      ['entry_not_included', 'entry_contradicts_envelope'],
    ],
    ['an entry’s place', (f) => Object.assign(f.entries[1] ?? {}, { index: 4 }), ['entry_not_included']],
    ['an inclusion proof', (f) => f.entries[0]?.inclusion.pop(), ['entry_not_included']],
    ['a proof hash that is none', (f) => f.entries[0]?.inclusion.splice(0, 1, 'AAAA'), ['entry_not_included']],
    ['the order of entries', (f) => Object.assign(f, { entries: f.entries.toReversed() }), ['order_broken']],
    ['the first entry left out', (f) => f.entries.shift(), ['order_broken']],
    ['the decision’s entry left out', (f) => f.entries.splice(2, 1), ['quorum_missing']],
    ['the decision’s envelope left out', (f) => f.envelopes.pop(), ['envelope_missing', 'quorum_missing']],
    ['an envelope’s payload', (f) => tamper(f, 1), ['envelope_unverified', 'envelope_missing', 'quorum_missing']],
    [
      'an envelope’s kind',
      (f) => Object.assign(f.envelopes[1] ?? {}, { kind: 'revision' }),
      ['envelope_unverified', 'envelope_missing', 'quorum_missing'],
    ],
    [
      'an envelope of no kind',
      (f) => f.envelopes.push({ ...(f.envelopes[0] as ProofFile['envelopes'][number]), kind: 'nonsense' }),
      ['envelope_unverified'],
    ],
    [
      'what was approved',
      (f) => Object.assign(f.materials[0] ?? {}, { arguments: { repo: 'precious' } }),
      ['digest_unknown', 'started_unknown'],
    ],
    [
      'materials of another review',
      (f) => f.materials.push(materialOf({ reviewId: reviewIdOf(2), revision: 2 })),
      ['foreign_material'],
    ],
    ['a revision twice', (f) => f.materials.push(materialOf({ arguments: { repo: 'x' } })), ['foreign_material']],
    [
      'the checkpoint’s size',
      (f) => Object.assign(f, { checkpoint: f.checkpoint.replace('\n11\n', '\n12\n') }),
      ['checkpoint_unverified'],
    ],
    [
      'the deployment',
      (f) => Object.assign(f, { deploymentId: 'other' }),
      ['checkpoint_unverified', 'foreign_entry', 'foreign_envelope', 'foreign_material'],
    ],
    [
      'the review',
      (f) => Object.assign(f, { reviewId: reviewIdOf(2) }),
      ['foreign_entry', 'foreign_envelope', 'foreign_material'],
    ],
    ['envelopes and materials erased', (f) => Object.assign(f, { envelopes: [], materials: [] }), ['erased']],
    [
      'text that has no canonical form',
      (f) => Object.assign(f.materials[0] ?? {}, { arguments: { repo: '\ud800' } }),
      ['malformed'],
    ],
  ])('%s', (_name, edit, expected) => expect(codesOf(change(edit))).toEqual(expect.arrayContaining([...expected])));

  it('one bit of any signed text', () => {
    const text = JSON.stringify(executed().proof());
    const { entries } = executed().proof();
    fc.assert(
      fc.property(fc.nat({ max: entries.length - 1 }), fc.constantFrom('at', 'deploymentId'), (n, field) => {
        const file = JSON.parse(text) as ProofFile;
        const entry = file.entries[n]?.entry as Record<string, unknown>;
        entry[field] = field === 'at' ? LATER : 'other';
        expect(codesOf(file)).toContain('entry_not_included');
      }),
    );
  });

  it.each([null, 7, 'x', [], {}, { format: 'holdpoint-proof/v2' }, { ...executed().proof(), extra: 1 }])(
    'no proof at all: %j',
    (file) => {
      expect(verifyProof(file, TRUST)).toEqual({
        ok: false,
        findings: [{ code: 'malformed' }],
        checkpoint: null,
        completeness: null,
        file: null,
      });
    },
  );
});

describe('a file from which something was cut', () => {
  const file = executed().proof();
  const { size } = verifyProof(file, TRUST).checkpoint ?? { size: 0 };
  const whole = { n: 5, last: 9, size };
  const after = (edit: (cut: ProofFile) => unknown, notBefore?: string) => {
    const cut = structuredClone(file);
    edit(cut);
    return verifyProof(cut, TRUST, { notBefore: notBefore === undefined ? undefined : Date.parse(notBefore) });
  };
  const codesAfter = (edit: (cut: ProofFile) => unknown) => after(edit).findings.map(({ code }) => code);
  const state = (over: Parameters<typeof stateCompleteness>[0]) => (cut: ProofFile) =>
    Object.assign(cut, { statement: stateCompleteness(over) });

  it('whole: up to which entry, and when', () => {
    expect(after(() => {})).toMatchObject({ ok: true, completeness: { n: 5, last: 9, size, at: AT } });
  });

  it('whole up to an older statement: what came later is not vouched for', () => {
    const older = after(state({ n: 3, last: 5, size: 6, at: AT }));
    expect(older).toMatchObject({ ok: true, completeness: { n: 3 } });
    expect(older.file?.entries).toHaveLength(5);
  });

  it.each<[string, (cut: ProofFile) => unknown, string]>([
    ['its end: started and finished', (cut) => cut.entries.splice(3), 'proof_incomplete'],
    [
      'its end, and the statement too',
      (cut) => Object.assign(cut, { entries: cut.entries.slice(0, 3), statement: null }),
      'completeness_unknown',
    ],
    ['one from the middle', (cut) => cut.entries.splice(1, 1), 'proof_incomplete'],
    [
      'the last but one, and the statement of then',
      (cut) => {
        cut.entries.splice(3, 1);
        state({ n: 3, last: 5, size: 6 })(cut);
      },
      'proof_incomplete',
    ],
    ['the statement', (cut) => Object.assign(cut, { statement: null }), 'completeness_unknown'],
    [
      'nothing, with a statement about another review',
      state({ ...whole, reviewId: reviewIdOf(2) }),
      'foreign_statement',
    ],
    [
      'nothing, with a statement of another deployment',
      state({ ...whole, deploymentId: 'other' }),
      'foreign_statement',
    ],
    ['nothing, with a statement on another history', state({ ...whole, last: 7 }), 'foreign_statement'],
    ['nothing, with a statement that counts less of the same log', state({ n: 3, last: 5, size }), 'foreign_statement'],
    [
      'nothing, with a statement that no execute key signed',
      (cut) => Object.assign(cut, { statement: stateCompleteness(whole, KEYS.review) }),
      'statement_unverified',
    ],
    [
      'nothing, with evidence in place of a statement',
      (cut) => Object.assign(cut.statement ?? {}, { payloadType: 'application/vnd.holdpoint.evidence.v1+json' }),
      'statement_unverified',
    ],
  ])('%s', (_name, edit, code) => {
    const verdict = after(edit);
    expect(verdict).toMatchObject({ ok: false, completeness: null });
    expect(verdict.findings.map((finding) => finding.code)).toContain(code);
  });

  it('a younger statement can be asked for', () => {
    expect(after(() => {}, AT).ok).toBe(true);
    expect(after(() => {}, LATER)).toMatchObject({
      ok: false,
      completeness: null,
      findings: [{ code: 'statement_too_old' }],
    });
  });

  it('older leaves have no number, so nobody can say', () => {
    const old = executed().proof(KEYS.execute, { numbered: false });
    expect(codesOf(old)).toEqual(['completeness_unknown']);
    expect(codesOf({ ...old, statement: undefined })).toEqual(['completeness_unknown']);
  });

  it('a number that was written in afterwards is not in the log', () => {
    expect(
      codesAfter((cut) => {
        cut.entries.splice(3, 1);
        Object.assign(cut.entries[3]?.entry ?? {}, { n: 4, previous: 5 });
      }),
    ).toContain('entry_not_included');
  });
});

describe('keys', () => {
  const stranger = generateKeyPairSync('ed25519');

  it('the keys in the file are not believed', () => {
    const file = { ...executed().proof(stranger), keys: [trusted('execute', stranger)] };
    expect(codesOf(file)).toEqual(['checkpoint_unverified', 'statement_unverified']);
    expect(codesOf(executed().proof(), [])).toEqual(
      expect.arrayContaining(['checkpoint_unverified', 'envelope_unverified', 'quorum_missing']),
    );
  });

  it('a key counts for its own role alone', () => {
    const story = new Story()
      .proposed()
      .classified(plain)
      .decided(plain, 'ops-1', 'approve', {}, KEYS.propose)
      .started(plain)
      .finished();
    expect(codesOfStory(story)).toEqual(expect.arrayContaining(['envelope_unverified', 'quorum_missing']));
    expect(codesOf(executed().proof(KEYS.review))).toEqual(['checkpoint_unverified', 'statement_unverified']);
  });

  it('a retired key counts for what it signed before', () => {
    const retiredAt = (time: string) => [
      trusted('propose'),
      trusted('review', KEYS.review, time),
      trusted('execute', KEYS.execute, AT),
    ];
    expect(codesOf(executed().proof(), retiredAt(LATER))).toEqual([]);
    expect(codesOf(executed().proof(), retiredAt('2026-04-01T11:00:00.000Z'))).toEqual(
      expect.arrayContaining(['envelope_unverified', 'quorum_missing']),
    );
  });

  it('a decision about another review is foreign here', () => {
    const story = approved();
    story.sign(
      'decision',
      {
        deploymentId: 'test',
        reviewId: reviewIdOf(2),
        decisionUlid: reviewIdOf(3).slice(4),
        revision: 1,
        level: 1,
        type: 'approve',
        digest: digestMaterial(plain),
        reviewer: { id: 'ops-2', method: 'token' },
        channel: 'api',
        decidedAt: AT,
      },
      KEYS.review,
    );
    expect(codesOfStory(story)).toEqual(['foreign_envelope']);
  });

  it('an entry that says something else than its envelope', () => {
    for (const over of [
      { reviewer: 'ops-9' },
      { level: 2 },
      { decision: 'respond' },
      { channel: 'slack' },
      { digest: OTHER_DIGEST },
    ]) {
      const story = approved();
      Object.assign(story.entries[2] ?? {}, over);
      expect(codesOfStory(story)).toContain('entry_contradicts_envelope');
    }
  });
});

function tamper(file: ProofFile, n: number): void {
  const envelope = file.envelopes[n]?.envelope;
  if (envelope === undefined) return;
  const payload = Buffer.from(envelope.payload, 'base64').toString('utf8').replace('ops-1', 'ops-2');
  Object.assign(envelope, { payload: Buffer.from(payload).toString('base64') });
}
