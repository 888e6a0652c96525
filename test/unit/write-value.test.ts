import { describe, expect, test } from 'vitest';
import { renderReview } from '../../src/cli/ui/review-view.ts';
import type { Json } from '../../src/contract/json.ts';
import { clipValue, writeCell, writeInSentence, writeValue } from '../../src/domain/text/write-value.ts';
import { titleText, writeSentence } from '../../src/domain/show/title.ts';
import { showReview } from '../../src/domain/show/show-review.ts';
import { shownToHtml } from '../../src/domain/show/to-html.ts';
import { layOutText, shownToText, type TextShown } from '../../src/domain/show/to-text.ts';
import { shownToBlocks } from '../../src/domain/slack/to-blocks.ts';
import { ioFor, plain } from './cli-io.ts';
import { aReview } from './client-fixtures.ts';

/** Values of other types, each with the text that would be taken for it. */
const PAIRS: readonly (readonly [value: Json, text: string])[] = [
  [['prod'], '["prod"]'],
  [{ a: 1 }, '{"a":1}'],
  [[], '[]'],
  [null, 'null'],
  [null, 'none'],
  [true, 'true'],
  [true, 'yes'],
  [12, '12'],
  [1_200, '1,200'],
  [-1.5, '-1.5'],
  [1e30, '1e+30'],
  ['prod', '"prod"'],
  [1_000.5, '١٬٠٠٠٫٥'],
  ['', ' '],
  ['', '""'],
];

describe('a value and the text that would be taken for it', () => {
  test.each(PAIRS)('%j and the text %j differ', (value, text) => {
    expect(writeValue(value)).not.toBe(writeValue(text));
    expect(writeValue(text)).toBe(JSON.stringify(text));
    expect(writeCell(undefined)).toBe('');
  });

  test.each(['prod', 'acct-1', 'DELETE FROM users', '2026-01-01', 'a@example.com', '/users/1', 'yes please', 'größer'])(
    'text that nobody takes for anything else stands as it is: %s',
    (text) => {
      expect(writeValue(text)).toBe(text);
    },
  );

  test('a cut text in a sentence is closed, and does not read on', () => {
    expect(clipValue(JSON.stringify('x'.repeat(500)), 20)).toBe(`"${'x'.repeat(17)}…"`);
    expect(writeInSentence('x'.repeat(500))).toBe(`"${'x'.repeat(97)}…"`);
    expect(writeInSentence({ $sealed: 'eyJ' })).toBe('(sealed)');
    expect(writeInSentence({ $number: '12345678901234567890' })).toBe('12345678901234567890');
  });
});

/** What each door shows of a review in which the value stands wherever values stand. */
const reviewOf = (value: Json) =>
  aReview({
    target: null,
    sentence: writeSentence('x.y', 'Deploy to {env}', { env: value }),
    call: { ...aReview().call, tool: 'x.y', service: 'x', arguments: { env: value } },
    context: { env: value },
    evidence: [
      {
        facts: [
          { name: 'env', label: 'Environment', value },
          { name: 'rows', label: 'Rows', value: [{ env: value }] },
        ],
        sourceHash: null,
        gatheredAt: '2026-04-01T12:00:00.000Z',
      },
    ],
  });
const tool = { name: 'x.y', class: 'irreversible', connector: 'x', title: 'Deploy to {env}' } as const;
/** One part for each block. */
const shown = (value: Json): readonly Pick<TextShown, 'title' | 'sections'>[] =>
  layOutText(showReview(reviewOf(value), { now: 0, tool, pinned: {} })).sections.flatMap((section) =>
    section.blocks.map((block) => ({ title: '', sections: [{ ...section, blocks: [block] }] })),
  );
/** Every part of a door in which the value is shown: each must tell by itself. */
const DOORS: Readonly<Record<string, (value: Json) => readonly string[]>> = {
  'mail as text': (value) => shown(value).map((part) => shownToText(part).join('\n')),
  'mail as HTML': (value) => shown(value).map((part) => shownToHtml(part).html),
  Slack: (value) => shown(value).map((part) => JSON.stringify(shownToBlocks(part))),
  terminal: (value) => [plain(renderReview(ioFor({ tty: true }), { ...reviewOf(value), evidence: [] }))],
  title: (value) => [titleText(reviewOf(value))],
};

describe.each(Object.entries(DOORS))('%s', (_door, draw) => {
  test.each(PAIRS)('tells %j from the text %j', (value, text) => {
    const [a, b] = [draw(value), draw(text)];
    const untouched = draw('untouched');
    const carrying = untouched.flatMap((part, index) => (part.includes('untouched') ? [index] : []));
    expect(carrying.length).toBeGreaterThan(0);
    for (const index of carrying) expect(a[index]).not.toBe(b[index]);
  });
});
