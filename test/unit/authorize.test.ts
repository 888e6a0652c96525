import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../src/contract/audit.ts';
import type { DecisionPayload } from '../../src/contract/envelope.ts';
import type { DecisionType, Level, Material } from '../../src/contract/review.ts';
import {
  authorizeExecution,
  readRecordedDecisions,
  type ExecutionRequest,
  type VerifiedDecision,
} from '../../src/domain/authorize/authorize.ts';
import { digestMaterial, digestOf } from '../../src/domain/proof/digest.ts';
import type { Settings } from '../../src/domain/policy/settings.ts';
import {
  decisionOf,
  DEPLOYMENT_ID,
  HOUR,
  iso,
  levelOf,
  materialOf,
  NOON,
  OTHER_REVIEW_ID,
  REVIEW_ID,
} from '../support/materials.ts';
import { ONE_OF_OPS, smallPolicy } from '../support/small-policy.ts';

const REVIEWERS: Settings['reviewers'] = [
  { id: 'ops-1', groups: ['ops'] },
  { id: 'ops-2', groups: ['ops'] },
  { id: 'ops-3', groups: ['ops'] },
  { id: 'finance-1', groups: ['finance'] },
  { id: 'manager-1', groups: ['managers'] },
  { id: 'both-1', groups: ['ops', 'finance'] },
  { id: 'audit-1', groups: ['ops', 'finance'], role: 'auditor' },
];

function settingsOf(over: Partial<Settings> = {}): Settings {
  return {
    deploymentId: 'test-deployment',
    agents: [],
    reviewers: REVIEWERS,
    policy: smallPolicy({ tools: [], approval: ONE_OF_OPS }),
    configDigest: `sha256:${'c'.repeat(64)}`,
    callbacks: [],
    unattested: 'hold',
    executeWithinMs: HOUR,
    freeze: [],
    operators: [],
    liftBySecondPerson: false,
    limits: { pendingPerAgent: 1, irreversiblePerToolPerHour: 1, sensitivePerToolPerHour: 600, requestsPerMinute: 1 },
    connectors: {},
    notifications: undefined,
    oidc: undefined,
    publicUrl: null,
    logLevel: null,
    ...over,
  };
}

interface Case {
  readonly material?: Material;
  readonly previous?: Material | null;
  readonly decisions?: readonly DecisionPayload[];
  /** Default: all of them. */
  readonly admitted?: readonly DecisionPayload[];
  readonly record?: Partial<Pick<ExecutionRequest['record'], 'revision' | 'isBarred' | 'isFree'>>;
  readonly now?: Partial<ExecutionRequest['now']>;
  readonly settings?: Partial<Settings>;
  readonly mayRunFree?: boolean;
  readonly ledgerExpiresAt?: number | null;
  readonly at?: number;
}

const verified = (payload: DecisionPayload): VerifiedDecision => ({ payload, payloadDigest: digestOf(payload) });

/** `ok` or the code of the refusal. */
function judge(given: Case): string {
  const material = given.material ?? materialOf();
  const decisions = given.decisions ?? [decisionOf(digestMaterial(material))];
  const answer = authorizeExecution({
    material,
    previous: given.previous ?? null,
    decisions: decisions.map(verified),
    record: {
      isFree: true,
      revision: material.revision,
      isBarred: false,
      ...given.record,
      admitted: new Set((given.admitted ?? decisions).map(digestOf)),
    },
    now: {
      verdict: 'held',
      class: 'irreversible',
      levels: material.levels,
      separationOfDuties: material.separationOfDuties,
      owner: material.owner,
      ...given.now,
    },
    mayRunFree: given.mayRunFree ?? true,
    settings: settingsOf(given.settings),
    ledgerExpiresAt: given.ledgerExpiresAt ?? null,
    at: given.at ?? NOON + 1_000,
  });
  return answer.ok ? 'ok' : answer.code;
}

const approve = (material: Material, over: Parameters<typeof decisionOf>[1] = {}): DecisionPayload =>
  decisionOf(digestMaterial(material), { revision: material.revision, ...over });

describe('law 1: nothing irreversible runs without a valid decision', () => {
  it('runs on one signed yes where one is enough', () => {
    expect(judge({})).toBe('ok');
  });

  it('names the digest of exactly what was approved', () => {
    const material = materialOf();
    const decision = verified(approve(material));
    const answer = authorizeExecution({
      material,
      previous: null,
      decisions: [decision],
      record: { isFree: false, revision: 1, isBarred: false, admitted: new Set([decision.payloadDigest]) },
      now: { verdict: 'held', class: 'irreversible', levels: [levelOf('ops')], separationOfDuties: false, owner: null },
      mayRunFree: false,
      settings: settingsOf(),
      ledgerExpiresAt: null,
      at: NOON,
    });
    expect(answer).toMatchObject({ ok: true, digest: decision.payload.digest });
  });

  it.each([
    ['no decision at all', []],
    ['a yes to another digest', [decisionOf(digestMaterial(materialOf({ arguments: { id: 'a-2' } })))]],
    ['a revise', [approve(materialOf(), { type: 'revise', comment: 'no' })]],
    ['a respond', [approve(materialOf(), { type: 'respond', response: true })]],
  ])('refuses %s', (_name, decisions) => {
    expect(judge({ decisions })).toBe('not_authorized');
  });

  it('lets a free call go that is still free', () => {
    const material = materialOf({ class: 'reversible', levels: [], expiresAt: null });
    expect(judge({ material, decisions: [], now: { verdict: 'free', class: 'reversible' } })).toBe('ok');
  });

  it('refuses a free call that the gate did not record as let through', () => {
    const material = materialOf({ class: 'sensitive', levels: [], expiresAt: null });
    const free = { material, decisions: [], now: { verdict: 'free', class: 'sensitive' } } as const;
    expect(judge(free)).toBe('ok');
    expect(judge({ ...free, record: { isFree: false } })).toBe('not_authorized');
  });

  it.each(['irreversible', 'forbidden'] as const)(
    'refuses a material of class %s that claims to need no approval',
    (c) => {
      const material = materialOf({ class: c, levels: [] });
      expect(judge({ material, decisions: [], now: { verdict: 'free', class: 'reversible' } })).toBe('not_authorized');
    },
  );

  it('refuses a free call that policy holds or blocks now', () => {
    const material = materialOf({ class: 'reversible', levels: [] });
    expect(judge({ material, decisions: [] })).toBe('reclassified');
    expect(judge({ material, decisions: [], now: { verdict: 'blocked', class: null } })).toBe('reclassified');
    expect(judge({ material, decisions: [], now: { verdict: 'free', class: 'irreversible' } })).toBe('reclassified');
  });
});

describe('law 2: input that came through Temporal proves nothing by itself', () => {
  it('refuses a decision on another review or of another deployment', () => {
    const material = materialOf();
    expect(judge({ decisions: [approve(material, { reviewId: OTHER_REVIEW_ID })] })).toBe('not_authorized');
    expect(judge({ decisions: [approve(material, { deploymentId: 'other' })] })).toBe('not_authorized');
  });

  it('refuses material of another deployment, and an in-flow question', () => {
    expect(judge({ material: materialOf({ deploymentId: 'other' }) })).toBe('not_authorized');
    expect(judge({ material: materialOf({ kind: 'in-flow' }) })).toBe('not_authorized');
  });

  it('refuses a free call forged as a later version', () => {
    const material = materialOf({ class: 'reversible', levels: [], revision: 2 });
    const now = { verdict: 'free', class: 'reversible' } as const;
    expect(judge({ material, decisions: [], now })).toBe('not_authorized');
  });

  it('refuses a free call with an unsigned proposal, unless configuration allows it', () => {
    const material = materialOf({ class: 'reversible', levels: [], proposer: 'temporal:x', owner: null });
    const now = { verdict: 'free', class: 'reversible' } as const;
    expect(judge({ material, decisions: [], now, mayRunFree: false })).toBe('not_authorized');
    expect(judge({ material, decisions: [], now, mayRunFree: true })).toBe('ok');
  });

  it('counts only what the gate admitted: a signed vote that it refused does not count', () => {
    expect(judge({ admitted: [] })).toBe('not_authorized');
    const material = materialOf({ levels: [levelOf('ops', 2)] });
    const [first, refused] = [approve(material), approve(material, { by: 'ops-2' })];
    expect(judge({ material, decisions: [first, refused], admitted: [first] })).toBe('not_authorized');
    expect(judge({ material, decisions: [first, refused] })).toBe('ok');
  });

  it('refuses an impossible quorum without allocating its seats', () => {
    const material = materialOf({ levels: [levelOf('ops', 2 ** 40)] });
    expect(judge({ material, decisions: [approve(material)] })).toBe('not_authorized');
  });
});

describe('law 3: a decision binds one reviewer to one digest', () => {
  const next: Partial<Material> = { revision: 2, arguments: { id: 'a-2' } };
  const before = materialOf();
  const edited = (over: Partial<Material> = {}): Material => materialOf({ ...next, ...over });
  const edit = (over: Parameters<typeof decisionOf>[1] = {}, previous = before): DecisionPayload =>
    decisionOf(digestMaterial(previous), { type: 'edit', editedArguments: { id: 'a-2' }, ...over });

  it('counts an edit as a yes on the version that it leads to', () => {
    expect(judge({ material: edited(), previous: before, decisions: [edit()] })).toBe('ok');
  });

  it.each<[string, Case]>([
    ['without the version before it', { previous: null }],
    ['of another version than the one before', { previous: materialOf({ arguments: { id: 'a-3' } }) }],
    ['with other arguments', { material: edited({ arguments: { id: 'a-3' } }) }],
    ['of another tool', { material: edited({ tool: 'payouts.create' }) }],
    ['two versions on', { material: edited({ revision: 3 }) }],
    ['without arguments', { decisions: [decisionOf(digestMaterial(before), { type: 'edit' })] }],
    ['under separation of duties', { material: edited({ separationOfDuties: true }) }],
    [
      'whose evidence changed',
      { material: edited({ evidence: { facts: [], sourceHash: 'sha256:other', gatheredAt: iso(NOON) } }) },
    ],
    [
      'whose facts changed',
      {
        material: edited({
          evidence: { facts: [{ name: 'rows', label: 'Rows', value: 9 }], sourceHash: null, gatheredAt: iso(NOON) },
        }),
      },
    ],
    ['signed on another version number', { decisions: [edit({ revision: 2 })] }],
    ['by somebody who may not vote on the new version', { material: edited({ levels: [levelOf('finance')] }) }],
  ])('refuses an edit %s', (_name, over) => {
    const given = { material: edited(), previous: before, decisions: [edit()], ...over };
    expect(judge(given)).toBe('not_authorized');
  });

  it('counts an edit whose evidence says the same at another time', () => {
    const evidence = {
      facts: [{ name: 'rows', label: 'Rows', value: 9 }],
      sourceHash: 'sha256:x',
      gatheredAt: iso(NOON),
    };
    const previous = materialOf({ evidence });
    const material = edited({ evidence: { ...evidence, gatheredAt: iso(NOON + 1) } });
    expect(judge({ material, previous, decisions: [edit({}, previous)] })).toBe('ok');
  });

  it('counts an edit on level one alone', () => {
    const material = edited({ levels: [levelOf('ops'), levelOf('ops')] });
    expect(judge({ material, previous: before, decisions: [edit({ level: 2 })] })).toBe('not_authorized');
    const second = approve(material, { level: 2, by: 'ops-2' });
    expect(judge({ material, previous: before, decisions: [edit(), second] })).toBe('ok');
  });

  it('does not count a yes to the version before', () => {
    expect(judge({ material: edited(), previous: before, decisions: [approve(before)] })).toBe('not_authorized');
  });

  it('does not let an edit choose its own approval: the levels in force must carry it too', () => {
    const material = edited({ levels: [levelOf('ops')] });
    const now = { levels: [levelOf('ops'), levelOf('finance')] };
    expect(judge({ material, previous: before, decisions: [edit()], now })).toBe('reclassified');
  });

  it('refuses an old version once the gate stands on a later one', () => {
    expect(judge({ record: { revision: 2 } })).toBe('not_authorized');
  });

  it('refuses while changes are requested', () => {
    expect(judge({ record: { isBarred: true } })).toBe('not_authorized');
  });
});

describe('law 4: silence is no', () => {
  it('counts a yes up to the deadline and none after it', () => {
    const material = materialOf({ expiresAt: iso(NOON) });
    expect(judge({ material, decisions: [approve(material, { decidedAt: iso(NOON) })] })).toBe('ok');
    expect(judge({ material, decisions: [approve(material, { decidedAt: iso(NOON + 1) })] })).toBe('not_authorized');
  });

  it('takes the earlier deadline of material and ledger', () => {
    expect(judge({ ledgerExpiresAt: NOON - 1 })).toBe('not_authorized');
    expect(judge({ ledgerExpiresAt: NOON })).toBe('ok');
  });

  it('refuses a deadline that is no time', () => {
    const material = materialOf({ expiresAt: 'never' });
    expect(judge({ material, decisions: [approve(material)] })).toBe('not_authorized');
  });

  it('refuses an approval that is older than executeWithin', () => {
    expect(judge({ at: NOON + HOUR })).toBe('ok');
    expect(judge({ at: NOON + HOUR + 1 })).toBe('approval_stale');
  });

  it('is not made fresh again by a vote that was not needed', () => {
    const material = materialOf();
    const late = approve(material, { by: 'ops-2', decidedAt: iso(NOON + HOUR) });
    expect(judge({ material, decisions: [approve(material), late], at: NOON + HOUR + 1 })).toBe('approval_stale');
  });

  it('counts from the vote that completed it', () => {
    const material = materialOf({ levels: [levelOf('ops', 2)] });
    const second = approve(material, { by: 'ops-2', decidedAt: iso(NOON + HOUR) });
    expect(judge({ material, decisions: [approve(material), second], at: NOON + 2 * HOUR })).toBe('ok');
  });
});

describe('law 5: deny first', () => {
  it('refuses if there is one reject among the approvals', () => {
    const material = materialOf();
    const reject = approve(material, { by: 'finance-1', type: 'reject' });
    expect(judge({ material, decisions: [approve(material), reject] })).toBe('not_authorized');
  });

  it('does not count a reviewer who was removed, or moved out of the group', () => {
    expect(judge({ settings: { reviewers: REVIEWERS.filter(({ id }) => id !== 'ops-1') } })).toBe('not_authorized');
    expect(judge({ settings: { reviewers: [{ id: 'ops-1', groups: ['finance'] }] } })).toBe('not_authorized');
  });

  it('does not count an auditor', () => {
    const material = materialOf();
    expect(judge({ material, decisions: [approve(material, { by: 'audit-1' })] })).toBe('not_authorized');
  });

  it('counts no reviewer twice on a level', () => {
    const material = materialOf({ levels: [levelOf('ops', 2)] });
    expect(judge({ material, decisions: [approve(material), approve(material)] })).toBe('not_authorized');
  });

  it('counts no reviewer twice along a chain, with separation of duties', () => {
    const chained = (separationOfDuties: boolean): Material =>
      materialOf({ levels: [levelOf('ops'), levelOf('finance')], separationOfDuties });
    const both = (material: Material): DecisionPayload[] =>
      [1, 2].map((level) => approve(material, { by: 'both-1', level }));
    expect(judge({ material: chained(false), decisions: both(chained(false)) })).toBe('ok');
    expect(judge({ material: chained(true), decisions: both(chained(true)) })).toBe('not_authorized');
  });

  it.each(['agent-1', 'ops-3'])('does not count the proposer or its owner (%s), with separation of duties', (by) => {
    const settings = { reviewers: [...REVIEWERS, { id: 'agent-1', groups: ['ops'] }] };
    const material = (separationOfDuties: boolean): Material => materialOf({ separationOfDuties });
    const [off, on] = [material(false), material(true)];
    expect(judge({ material: off, decisions: [approve(off, { by })], settings })).toBe('ok');
    expect(judge({ material: on, decisions: [approve(on, { by })], settings })).toBe('not_authorized');
  });

  it('does not count a reviewer who has become the owner since', () => {
    const material = materialOf({ separationOfDuties: true });
    const decisions = [approve(material, { by: 'ops-2' })];
    expect(judge({ material, decisions })).toBe('ok');
    expect(judge({ material, decisions, now: { owner: 'ops-2' } })).toBe('not_authorized');
  });

  it('counts a yes on the level that it was given for', () => {
    const material = materialOf({ levels: [levelOf('ops'), levelOf('ops')] });
    const decisions = [approve(material), approve(material, { by: 'ops-2' })];
    expect(judge({ material, decisions })).toBe('not_authorized');
  });

  it('counts an escalation only from its time on', () => {
    const escalation = { at: iso(NOON + 1_000), to: ['managers'] };
    const material = materialOf({ levels: [levelOf('ops', 1, escalation)] });
    const at = (ms: number): DecisionPayload[] => [approve(material, { by: 'manager-1', decidedAt: iso(ms) })];
    expect(judge({ material, decisions: at(NOON) })).toBe('not_authorized');
    expect(judge({ material, decisions: at(NOON + 1_000) })).toBe('ok');
  });
});

describe('law 2: the stricter of then and now', () => {
  it('refuses where policy asks for more now than was given', () => {
    expect(judge({ now: { levels: [levelOf('ops', 2)] } })).toBe('reclassified');
    expect(judge({ now: { levels: [levelOf('ops'), levelOf('finance')] } })).toBe('reclassified');
    expect(judge({ now: { levels: [] } })).toBe('reclassified');
  });

  it('refuses where separation of duties is on now', () => {
    const material = materialOf();
    const decisions = [approve(material, { by: 'ops-3' })];
    expect(judge({ material, decisions })).toBe('ok');
    expect(judge({ material, decisions, now: { separationOfDuties: true } })).toBe('reclassified');
  });

  it('asks for what was signed even where policy has been loosened', () => {
    const material = materialOf({ levels: [levelOf('ops', 2)] });
    const free = { verdict: 'free', class: 'reversible', levels: [] } as const;
    expect(judge({ material, decisions: [approve(material)], now: { levels: [levelOf('ops')] } })).toBe(
      'not_authorized',
    );
    expect(judge({ material, decisions: [approve(material)], now: free })).toBe('not_authorized');
    const two = [approve(material), approve(material, { by: 'ops-2' })];
    expect(judge({ material, decisions: two, now: free })).toBe('ok');
  });
});

/** Whether people can be told off to every seat; by trying everything. */
function canSeat(levels: readonly Level[], votes: readonly DecisionPayload[], sod: boolean, barred: readonly string[]) {
  const seats = levels.flatMap((level, index) =>
    Array.from({ length: level.quorum }, () => ({ number: index + 1, group: level.approvers[0] ?? '' })),
  );
  const mayTake = (seat: (typeof seats)[number], { reviewer, level }: DecisionPayload): boolean => {
    const person = REVIEWERS.find(({ id }) => id === reviewer.id);
    if (person === undefined || person.role === 'auditor' || (sod && barred.includes(reviewer.id))) return false;
    return level === seat.number && person.groups.includes(seat.group);
  };
  const place = (index: number, taken: readonly string[]): boolean => {
    const seat = seats[index];
    if (seat === undefined) return true;
    return votes.some((vote) => {
      const key = sod ? vote.reviewer.id : `${seat.number} ${vote.reviewer.id}`;
      return mayTake(seat, vote) && !taken.includes(key) && place(index + 1, [...taken, key]);
    });
  };
  return levels.length > 0 && place(0, []);
}

const anyLevels = fc.array(
  fc.record({ group: fc.constantFrom('ops', 'finance', 'managers'), quorum: fc.constantFrom(1, 1, 2, 3) }),
  { minLength: 1, maxLength: 3 },
);

describe('for any set of decisions', () => {
  it('authorizes exactly where they carry the levels as signed and as in force', () => {
    let carried = 0;
    fc.assert(
      fc.property(
        anyLevels,
        fc.option(anyLevels),
        fc.boolean(),
        fc.boolean(),
        fc.array(
          fc.record({
            by: fc.constantFrom(...REVIEWERS.map(({ id }) => id), 'removed-1', 'agent-1'),
            level: fc.constantFrom(1, 1, 2, 3),
            flaw: fc.constantFrom('none', 'none', 'none', 'none', 'digest', 'review', 'late', 'unadmitted', 'revision'),
          }),
          { minLength: 4, maxLength: 16 },
        ),
        (signed, inForce, sod, sodNow, given) => {
          const toLevels = (levels: typeof signed): Level[] =>
            levels.map(({ group, quorum }) => levelOf(group, quorum));
          const material = materialOf({ levels: toLevels(signed), separationOfDuties: sod });
          const nowLevels = inForce === null ? material.levels : toLevels(inForce);
          const wrong = digestMaterial(materialOf({ arguments: { id: 'wrong' } }));
          const decisions = given.map(({ by, level, flaw }) =>
            approve(material, {
              by,
              level,
              ...(flaw === 'digest' ? { digest: wrong } : {}),
              ...(flaw === 'review' ? { reviewId: OTHER_REVIEW_ID } : {}),
              ...(flaw === 'late' ? { decidedAt: iso(NOON + 25 * HOUR) } : {}),
              ...(flaw === 'revision' ? { revision: 2 } : {}),
            }),
          );
          const admitted = decisions.filter((_, index) => given[index]?.flaw !== 'unadmitted');
          const sound = decisions.filter((_, index) => given[index]?.flaw === 'none');
          const barred = ['agent-1', 'ops-3'];
          const expected = canSeat(material.levels, sound, sod, barred) && canSeat(nowLevels, sound, sodNow, barred);
          carried += expected ? 1 : 0;
          const now = { levels: nowLevels, separationOfDuties: sodNow };
          expect(judge({ material, decisions, admitted, now }) === 'ok').toBe(expected);
        },
      ),
      { numRuns: 3_000 },
    );
    // Otherwise it would only have been shown that nothing is authorized.
    expect(carried).toBeGreaterThan(10);
  });

  it('authorizes nothing with one valid reject, or without a valid approval', () => {
    fc.assert(
      fc.property(
        anyLevels,
        fc.array(fc.constantFrom(...REVIEWERS.map(({ id }) => id)), { maxLength: 8 }),
        (levels, by) => {
          const material = materialOf({ levels: levels.map(({ group, quorum }) => levelOf(group, quorum)) });
          const yeses = by.flatMap((id) => levels.map((_, index) => approve(material, { by: id, level: index + 1 })));
          const no = approve(material, { type: 'reject', by: 'ops-1' });
          expect(judge({ material, decisions: [...yeses, no] })).toBe('not_authorized');
          const elsewhere = yeses.map((yes) => ({ ...yes, reviewId: OTHER_REVIEW_ID }));
          expect(judge({ material, decisions: elsewhere })).toBe('not_authorized');
        },
      ),
    );
  });
});

describe('decisions in the audit log', () => {
  const base = { schemaVersion: 1, deploymentId: DEPLOYMENT_ID, reviewId: REVIEW_ID, at: iso(NOON) } as const;
  const digest = (n: number): string => `sha256:${String(n).repeat(64)}`;

  const decided = (n: number, decision: DecisionType): AuditEntry => ({
    ...base,
    type: 'decided',
    decisionUlid: '01J00000000000000000000000',
    decision,
    reviewer: 'ops-1',
    channel: 'api',
    revision: 1,
    level: 1,
    digest: digest(0),
    envelopeDigest: digest(n),
    status: 'pending',
  });
  const revised = (revision: number): AuditEntry => ({
    ...base,
    type: 'revised',
    revision,
    by: 'agent-1',
    envelopeDigest: digest(9),
  });

  it('starts at version one, with nothing admitted', () => {
    expect(readRecordedDecisions([])).toEqual({ isFree: false, revision: 1, isBarred: false, admitted: new Set() });
  });

  it('collects the envelopes that were admitted', () => {
    const { admitted } = readRecordedDecisions([decided(1, 'approve'), decided(2, 'approve')]);
    expect(admitted).toEqual(new Set([digest(1), digest(2)]));
  });

  it('is at the latest revision', () => {
    expect(readRecordedDecisions([decided(1, 'edit'), revised(2), decided(2, 'edit'), revised(3)]).revision).toBe(3);
  });

  it('is barred while changes are awaited, until a new version comes', () => {
    expect(readRecordedDecisions([decided(1, 'revise')]).isBarred).toBe(true);
    expect(readRecordedDecisions([decided(1, 'revise'), decided(2, 'approve')]).isBarred).toBe(true);
    expect(readRecordedDecisions([decided(1, 'revise'), revised(2)]).isBarred).toBe(false);
  });

  it.each<[string, AuditEntry]>([
    ['a no', decided(1, 'reject')],
    ['a withdrawal', { ...base, type: 'withdrawn', by: 'agent-1', envelopeDigest: null }],
    ['expiry', { ...base, type: 'expired', expiresAt: iso(NOON) }],
    ['an abort', { ...base, type: 'aborted', reason: 'cancelled' }],
  ])('is barred by %s', (_name, entry) => {
    expect(readRecordedDecisions([entry]).isBarred).toBe(true);
  });
});
