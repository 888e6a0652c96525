import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Level } from '../../src/contract/review.ts';
import {
  decideEdit,
  decideRevision,
  decideTime,
  decideVote,
  decideWithdrawal,
  type Ruling,
} from '../../src/domain/gate/decide.ts';
import {
  evolve,
  isEnded,
  openGate,
  type DecisionFact,
  type GateEvent,
  type GateState,
  type RevisionSpec,
} from '../../src/domain/gate/state.ts';

const digestOf = (revision: number): string => `sha256:${String(revision).padStart(64, '0')}`;
const DEADLINE = 1_000;

interface Shape {
  readonly levels: readonly { readonly group: string; readonly quorum: number }[];
  readonly separationOfDuties: boolean;
}

function specOf(shape: Shape, revision: number, expiresAt = DEADLINE): RevisionSpec {
  const levels: Level[] = shape.levels.map(({ group, quorum }, index) => ({
    name: `level-${index + 1}`,
    approvers: [group],
    quorum,
    escalation: null,
  }));
  return {
    revision,
    digest: digestOf(revision),
    levels,
    separationOfDuties: shape.separationOfDuties,
    proposer: 'agent-1',
    owner: 'ops-1',
    expiresAt,
    allowed: ['approve', 'edit', 'reject', 'revise'],
  };
}

/** People and the groups they are in; `nobody` is in none. */
const PEOPLE: Readonly<Record<string, readonly string[]>> = {
  'ops-1': ['ops'],
  'ops-2': ['ops'],
  'finance-1': ['finance'],
  'both-1': ['ops', 'finance'],
  nobody: [],
};

type Step =
  | {
      readonly kind: 'decision';
      readonly reviewer: string;
      readonly type: DecisionFact['type'];
      readonly staleDigest: boolean;
      readonly level: number;
      readonly after: number;
      readonly evidenceChanged: boolean;
    }
  | { readonly kind: 'revision' | 'withdrawal' | 'time'; readonly after: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('decision' as const),
      reviewer: fc.constantFrom(...Object.keys(PEOPLE)),
      type: fc.constantFrom<DecisionFact['type']>(
        'approve',
        'approve',
        'approve',
        'edit',
        'reject',
        'revise',
        'respond',
      ),
      staleDigest: fc.boolean().map((b) => b && true),
      level: fc.integer({ min: 1, max: 3 }),
      after: fc.integer({ min: 0, max: 60 }),
      evidenceChanged: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('revision' as const, 'withdrawal' as const, 'time' as const),
      after: fc.integer({ min: 0, max: 200 }),
    }),
  },
);

const shape: fc.Arbitrary<Shape> = fc.record({
  levels: fc.array(fc.record({ group: fc.constantFrom('ops', 'finance'), quorum: fc.integer({ min: 1, max: 2 }) }), {
    minLength: 1,
    maxLength: 3,
  }),
  separationOfDuties: fc.boolean(),
});

interface Moment {
  readonly before: GateState;
  readonly after: GateState;
  readonly events: readonly GateEvent[];
  readonly step: Step;
  readonly at: number;
}

function play(gateShape: Shape, steps: readonly Step[]): readonly Moment[] {
  let state = openGate(specOf(gateShape, 1));
  let at = 0;
  return steps.map((current, index) => {
    at += current.after;
    const ruling = rule(gateShape, state, current, index, at);
    const events = ruling.ok ? ruling.events : [];
    const before = state;
    state = events.reduce(evolve, state);
    return { before, after: state, events, step: current, at };
  });
}

function rule(gateShape: Shape, state: GateState, current: Step, index: number, at: number): Ruling {
  const prepared = { ok: true, spec: specOf(gateShape, state.spec.revision + 1) } as const;
  switch (current.kind) {
    case 'decision': {
      const fact: DecisionFact = {
        decisionUlid: `ulid-${index}`,
        revision: state.spec.revision,
        level: current.level,
        type: current.type,
        digest: current.staleDigest ? digestOf(999) : state.spec.digest,
        reviewer: current.reviewer,
        groups: PEOPLE[current.reviewer] ?? [],
        editedArguments: current.type === 'edit' ? {} : null,
        response: undefined,
        comment: 'because',
      };
      return current.type === 'edit'
        ? decideEdit(state, fact, { ...prepared, evidenceChanged: current.evidenceChanged }, at)
        : decideVote(state, fact, at);
    }
    case 'revision':
      return decideRevision(
        state,
        { decisionUlid: `ulid-${index}`, proposer: 'agent-1', digest: state.spec.digest, arguments: {} },
        { ...prepared, evidenceChanged: false },
        at,
      );
    case 'withdrawal':
      return decideWithdrawal(
        state,
        { decisionUlid: `ulid-${index}`, proposer: 'agent-1', digest: state.spec.digest },
        at,
      );
    case 'time':
      return { ok: true, events: decideTime(state, at) };
    default:
      return current satisfies never;
  }
}

const games = fc.tuple(shape, fc.array(step, { maxLength: 40 }));

describe('the gate machine, for any sequence of events', () => {
  it('law 1: never approves without the quorum of every level on the current digest', () => {
    let approvals = 0;
    fc.assert(
      fc.property(games, ([gateShape, steps]) => {
        for (const { after } of play(gateShape, steps)) {
          if (after.tag !== 'approved') continue;
          approvals += 1;
          after.spec.levels.forEach((level, index) => {
            const people = new Set(after.votes.filter((v) => v.level === index + 1).map((v) => v.reviewer));
            expect(people.size).toBeGreaterThanOrEqual(level.quorum);
            for (const person of people) {
              expect(PEOPLE[person]?.some((group) => level.approvers.includes(group))).toBe(true);
            }
          });
        }
      }),
      { numRuns: 2_000 },
    );
    // A property that holds because nothing is ever approved would prove nothing.
    expect(approvals).toBeGreaterThan(50);
  });

  it('law 3: a decision on another digest changes nothing', () => {
    fc.assert(
      fc.property(games, ([gateShape, steps]) => {
        for (const { before, after, step: taken } of play(gateShape, steps)) {
          if (taken.kind === 'decision' && taken.staleDigest) expect(after).toBe(before);
        }
      }),
    );
  });

  it('law 3: a new version voids all votes, and an edit counts as a yes only without separation of duties', () => {
    fc.assert(
      fc.property(games, ([gateShape, steps]) => {
        for (const { before, after, events, step: taken } of play(gateShape, steps)) {
          if (!events.some((event) => event.type === 'revised')) continue;
          expect(after.spec.revision).toBe(before.spec.revision + 1);
          const votes = after.tag === 'pending' || after.tag === 'approved' ? after.votes : [];
          const mayCount = taken.kind === 'decision' && !taken.evidenceChanged && !gateShape.separationOfDuties;
          expect(votes.length).toBeLessThanOrEqual(mayCount ? 1 : 0);
        }
      }),
    );
  });

  it('law 4: nothing is decided at or after the deadline, and the deadline never moves later', () => {
    fc.assert(
      fc.property(games, ([gateShape, steps]) => {
        for (const { before, after, events, at } of play(gateShape, steps)) {
          expect(after.spec.expiresAt).toBeLessThanOrEqual(before.spec.expiresAt);
          if (at >= DEADLINE) expect(events.every((event) => event.type === 'expired')).toBe(true);
        }
      }),
    );
  });

  it('law 5: one reject ends the review, whatever came before', () => {
    fc.assert(
      fc.property(games, ([gateShape, steps]) => {
        for (const { after, events } of play(gateShape, steps)) {
          if (events.some((event) => event.type === 'rejected')) expect(after.tag).toBe('rejected');
        }
      }),
    );
  });

  it('law 5: nobody votes twice on a level, and with separation of duties nobody votes twice or on their own', () => {
    fc.assert(
      fc.property(games, ([gateShape, steps]) => {
        for (const { after } of play(gateShape, steps)) {
          if (after.tag !== 'pending' && after.tag !== 'approved') continue;
          const seats = after.votes.map((v) => `${v.level} ${v.reviewer}`);
          expect(new Set(seats).size).toBe(seats.length);
          if (!gateShape.separationOfDuties) continue;
          const people = after.votes.map((v) => v.reviewer);
          expect(new Set(people).size).toBe(people.length);
          expect(people).not.toContain('ops-1');
        }
      }),
    );
  });

  it('an ended review stays as it ended', () => {
    fc.assert(
      fc.property(games, ([gateShape, steps]) => {
        for (const { before, after } of play(gateShape, steps)) {
          if (isEnded(before)) expect(after).toBe(before);
        }
      }),
    );
  });
});

// Who may decide, and the order of refusals, is in eligibility.test.ts: the machine asks there.
describe('refusals', () => {
  const open = openGate(specOf({ levels: [{ group: 'ops', quorum: 2 }], separationOfDuties: true }, 1));
  const fact: DecisionFact = {
    decisionUlid: 'u',
    revision: 1,
    level: 1,
    type: 'approve',
    digest: digestOf(1),
    reviewer: 'ops-2',
    groups: ['ops'],
    editedArguments: null,
    response: undefined,
    comment: null,
  };
  const codeOf = (state: GateState, change: Partial<DecisionFact>, at = 1) => {
    const ruling = decideVote(state, { ...fact, ...change }, at);
    return ruling.ok ? 'accepted' : ruling.code;
  };

  it('expired before everything else', () => {
    expect(codeOf(open, { groups: [], digest: digestOf(7) }, DEADLINE)).toBe('expired');
    expect(codeOf(open, { type: 'reject', groups: [] }, DEADLINE)).toBe('expired');
    const expired = decideTime(open, DEADLINE).reduce(evolve, open);
    expect(codeOf(expired, {}, 5)).toBe('expired');
  });

  it('a person who may not vote, then one with a conflict, then another digest', () => {
    expect(codeOf(open, { reviewer: 'ops-1', groups: [] })).toBe('not_an_approver');
    expect(codeOf(open, { reviewer: 'ops-1', digest: digestOf(7) })).toBe('self_approval');
    expect(codeOf(open, { digest: digestOf(7) })).toBe('digest_mismatch');
  });

  it('a vote signed for another level or another version does not count on this one', () => {
    expect(codeOf(open, { level: 2 })).toBe('digest_mismatch');
    expect(codeOf(open, { revision: 2 })).toBe('digest_mismatch');
  });

  it('a signed no counts whatever level it was signed on, and whatever the question allows', () => {
    const question = openGate({ ...open.spec, allowed: ['approve'] });
    expect(codeOf(question, { type: 'reject', level: 2, reviewer: 'ops-1' })).toBe('accepted');
    expect(codeOf(question, { type: 'reject', groups: ['finance'] })).toBe('not_an_approver');
  });
});
