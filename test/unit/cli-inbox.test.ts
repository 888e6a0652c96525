import { describe, expect, test } from 'vitest';
import { renderChanges } from '../../src/cli/commands/review/inbox/changes.ts';
import { intentOf } from '../../src/cli/commands/review/inbox/keys.ts';
import {
  START,
  UNDO_MS,
  type InboxRow,
  type InboxState,
  type Layout,
  type Step,
} from '../../src/cli/commands/review/inbox/model.ts';
import { hold, listed, press, read, shown, tick } from '../../src/cli/commands/review/inbox/update.ts';
import { renderFrame } from '../../src/cli/commands/review/inbox/view.ts';
import type { Material, Review, ReviewRow } from '../../src/contract/review.ts';
import { aReview } from './client-fixtures.ts';
import { ioFor, plain } from './cli-io.ts';

const LAYOUT: Layout = { height: 10, total: 10 };
const NOW = 1_000_000;

function aRow(number: number, change: Partial<ReviewRow> = {}): ReviewRow {
  const { reviewId: _id, call, execution, levels, ...review } = aReview();
  return {
    ...review,
    reviewId: `rev_${String(number).padStart(26, '0')}`,
    service: call.service,
    tool: call.tool,
    summary: `${call.tool} {"sql":"DELETE ${number}"}`,
    executionStatus: execution.status,
    votesMissing: 1,
    closedTo: [],
    approvers: levels[0]?.approvers ?? [],
    ...change,
  } as ReviewRow;
}
const rows = (count: number, mine = true): InboxRow[] =>
  Array.from({ length: count }, (_row, index) => ({ row: aRow(index), mine }));
const key = (state: InboxState, name: string, layout = LAYOUT): Step => {
  const intent = intentOf({ name, ctrl: false, meta: false });
  if (intent === undefined) throw new Error(`no such key: ${name}`);
  return press(state, intent, layout);
};
const keys = (state: InboxState, ...names: readonly string[]): InboxState =>
  names.reduce((current, name) => key(current, name).state, state);
const inbox = listed(START, rows(3), false);
const idAt = (index: number): string => aRow(index).reviewId;
/** A review that is open, with all of it seen. */
const looking = (change: Partial<Review> = {}, layout = LAYOUT): InboxState => {
  const review = aReview({ reviewId: idAt(0), ...change });
  return shown(read(keys(inbox, 'return'), review), layout);
};

describe('moving', () => {
  test.each([
    ['down and j', ['down', 'j'], 2],
    ['not beyond the end', ['j', 'j', 'j', 'j'], 2],
    ['not beyond the beginning', ['j', 'k', 'k'], 0],
    ['to the end and back', ['G', 'g'], 0],
  ])('%s', (_what, names, expected) => {
    expect(keys(inbox, ...names).selected).toBe(idAt(expected));
  });

  test('the selected row stays selected while others come and go', () => {
    const state = keys(inbox, 'j');
    expect(listed(state, [{ row: aRow(9), mine: true }, ...rows(3)], false).selected).toBe(idAt(1));
    expect(listed(state, [{ row: aRow(9), mine: true }], false).selected).toBe(idAt(9));
  });

  test('at the end of what was read, more is asked for', () => {
    const state = listed(START, rows(3), true);
    expect(key(state, 'G').effects).toEqual([{ do: 'more' }]);
    expect(key(inbox, 'G').effects).toEqual([]);
  });

  test('only mine', () => {
    const state = listed(START, [...rows(1), ...rows(3, false).slice(1)], false);
    expect(keys(state, 'm', 'G').selected).toBe(idAt(0));
  });

  test('the next review is opened from within one', () => {
    const { state, effects } = key(looking(), 'n');
    expect(state.open?.reviewId).toBe(idAt(1));
    expect(effects).toEqual([{ do: 'read', reviewId: idAt(1) }]);
  });
});

describe('deciding', () => {
  const asks = (state: InboxState, name = 'a') => key(state, name).effects.map((effect) => effect.do);
  const held = hold(looking(), aReview({ reviewId: idAt(0) }), { type: 'approve', digest: 'd' }, NOW);

  test('from the list alone nobody decides', () => {
    expect(asks(inbox)).toEqual([]);
  });

  test('a yes needs all of it on the screen, in order; a no does not', () => {
    const long: Layout = { height: 10, total: 30 };
    const state = looking({}, long);
    expect(asks(state)).toEqual([]);
    expect(asks(state, 'r')).toEqual(['ask']);
    // Jumping over the middle is not reading it.
    const jumped = shown(key(state, 'G', long).state, long);
    expect(asks(jumped)).toEqual([]);
    let reading = state;
    for (let page = 0; page < 3; page += 1) reading = shown(key(reading, 'space', long).state, long);
    expect(asks(reading)).toEqual(['ask']);
  });

  test('only what the review takes', () => {
    expect(asks(looking({ allowedDecisions: ['approve', 'reject'] }), 'c')).toEqual([]);
    expect(asks(looking({ call: { ...aReview().call, digest: null } }))).toEqual([]);
  });

  test('waits for an undo, and is sent when nobody took it back', () => {
    expect(tick(held, NOW + UNDO_MS - 1).effects).toEqual([]);
    expect(tick(held, NOW + UNDO_MS).effects).toMatchObject([{ do: 'send', unsent: { request: { type: 'approve' } } }]);
    const undone = key(held, 'u').state;
    expect(undone.unsent).toBeNull();
    expect(tick(undone, NOW + UNDO_MS).effects).toEqual([]);
  });

  test('is sent once', () => {
    const sent = key(held, 's');
    expect(sent.effects).toHaveLength(1);
    expect(key(sent.state, 's').effects).toEqual([]);
    expect(tick(sent.state, NOW + UNDO_MS).effects).toEqual([]);
  });

  test('no second decision while one waits', () => {
    expect(asks(held, 'r')).toEqual([]);
  });

  test('is dropped where the review changed', () => {
    const changed = read(held, aReview({ reviewId: idAt(0), call: { ...aReview().call, digest: 'sha256:other' } }));
    expect(changed.unsent).toBeNull();
    expect(changed.open?.seenAll).toBe(false);
    expect(read(held, aReview({ reviewId: idAt(0), call: { ...aReview().call, digest: 'd' } })).unsent).not.toBeNull();
  });

  test('quitting sends nothing', () => {
    expect(key(held, 'q').effects).toEqual([{ do: 'quit' }]);
    expect(intentOf({ name: 'c', ctrl: true, meta: false })).toEqual({ want: 'quit' });
  });
});

describe('the screen', () => {
  const frame = (state: InboxState, columns = 80, lines = 24) =>
    renderFrame(
      { io: ioFor({ tty: true, env: { NO_COLOR: '1' } }), size: { rows: lines, columns }, descriptions: WORDS },
      state,
    );
  const WORDS = new Map([['postgres.execute', 'Run {sql} on the database']]);

  test.each([40, 80, 200])('no line is wider than %i columns, and there are as many as fit', (columns) => {
    const wide = aRow(1, { summary: `postgres.execute {"sql":"${'長い'.repeat(200)}"}` });
    for (const state of [listed(START, [{ row: wide, mine: true }], false), looking(), keys(inbox, '?')]) {
      const { lines } = frame(state, columns);
      expect(lines).toHaveLength(24);
      for (const line of lines) {
        const cells = Array.from(line).reduce((sum, letter) => sum + (/[\u3000-\u9fff]/.test(letter) ? 2 : 1), 0);
        expect(cells).toBeLessThan(columns);
      }
    }
  });

  test('says what a call does in the policy’s words, with the agent’s values in quotes', () => {
    expect(plain(frame(inbox).lines)).toContain('Run "DELETE 0" on the database');
  });

  test('what an agent wrote never reaches the terminal as an escape', () => {
    const hostile = aRow(1, {
      summary: 'postgres.execute {"sql":"\u001b[2J\u202e"}',
      proposer: { id: 'x\u0007', owner: null, attested: true },
    });
    const states = [
      listed(START, [{ row: hostile, mine: true }], false),
      looking({ reason: '\u001b]0;owned\u0007\u202e', title: '\u009b2J' }),
    ];
    for (const state of states) {
      // oxlint-disable-next-line no-control-regex
      expect(frame(state).lines.join('\n')).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    }
  });

  test('of thousands of rows those around the selected one are drawn', () => {
    const many = keys(listed(START, rows(5_000), false), 'G');
    expect(plain(frame(many).lines)).toContain('DELETE 4999');
  });

  test('evidence stands above the call, the agent’s words below it', () => {
    const evidence = { facts: [{ name: 'n', label: 'Rows', value: 7 }], sourceHash: null, gatheredAt: '2026-04-01' };
    const text = plain(frame(looking({ evidence: [evidence], reason: 'trust me' }), 100, 60).lines);
    const places = ['Rows: 7', 'What would be sent', 'trust me'].map((part) => text.indexOf(part));
    expect(places).toEqual([...places].toSorted((a, b) => a - b));
    expect(places[0]).toBeGreaterThan(0);
  });
});

describe('changes', () => {
  const material = (revision: number, sql: string): Material =>
    ({
      revision,
      arguments: { sql },
      target: null,
      evidence: null,
      class: 'irreversible',
      levels: [],
      expiresAt: null,
      context: {},
    }) as unknown as Material;
  const changes = (...materials: readonly Material[]) => plain(renderChanges(ioFor({ tty: true }), [...materials]));

  test('line by line, against the version before', () => {
    const lines = changes(material(1, 'one'), material(2, 'two'), material(3, 'th\u202eree')).split('\n');
    expect(lines.filter((line) => /^[+-]/.test(line)).map((line) => line.slice(0, 1))).toEqual(['-', '+']);
    expect(lines.find((line) => line.startsWith('-'))).toContain('two');
    expect(lines.find((line) => line.startsWith('+'))).toContain('th\\u{202e}ree');
  });

  test('one version has nothing to compare with', () => {
    expect(changes(material(1, 'one')).split('\n')).toHaveLength(1);
    expect(changes().split('\n')).toHaveLength(1);
  });
});
