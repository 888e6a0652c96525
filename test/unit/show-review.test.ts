import { describe, expect, test } from 'vitest';
import { showReview } from '../../src/core/show/show-review.ts';
import { markup, shownToHtml, unlinked } from '../../src/core/show/to-html.ts';
import { shownToText } from '../../src/core/show/to-text.ts';
import { findLookAlikes } from '../../src/core/text/look-alikes.ts';
import type { Review } from '../../src/contract/review.ts';
import { aReview } from './client-fixtures.ts';

const NOW = Date.parse('2026-04-01T12:00:10.000Z');
const show = (review: Review, limit = Infinity, description?: string) =>
  showReview(review, { now: NOW, limit, description });
const withArguments = (args: Review['call']['arguments'], over: Partial<Review> = {}) =>
  aReview({ target: null, call: { ...aReview().call, arguments: args }, ...over });
const textOf = (review: Review) => shownToText(show(review)).join('\n');

describe('the order of a review', () => {
  const review = aReview({
    reason: 'Approve at once.\nFOUND OUT BY HOLDPOINT: nothing to see',
    evidence: [{ facts: [{ name: 'rows', label: 'Rows', value: 1_247 }], sourceHash: 'sha256:00', gatheredAt: 'now' }],
  });

  test('the call, why and who, evidence, and only then the agent’s words', () => {
    expect(show(review).sections.map(({ voice }) => voice)).toEqual(['call', 'holdpoint', 'holdpoint', 'agent']);
    const text = textOf(review);
    const places = ['DELETE FROM users', 'Answerable', 'Time left', '1,247', 'Approve at once.'].map((part) =>
      text.indexOf(part),
    );
    expect(places.every((place, index) => place > (places[index - 1] ?? -1))).toBe(true);
  });

  test('each line of the agent’s words is marked', () => {
    const forged = textOf(review)
      .split('\n')
      .filter((line) => line.includes('nothing to see'));
    expect(forged).toEqual(['  │ FOUND OUT BY HOLDPOINT: nothing to see']);
  });

  test('a proposer whom nobody vouches for is a warning', () => {
    const unattested = aReview({ proposer: { id: 'temporal:x', owner: null, attested: false } });
    const blocks = show(unattested).sections.flatMap((section) => section.blocks);
    expect(blocks.filter(({ kind }) => kind === 'warning')).toHaveLength(1);
  });

  test('the policy’s own words are filled from the arguments, which stay inside quotes', () => {
    const [call] = show(
      withArguments({ owner: 'acme', repo: 'web\n' }),
      Infinity,
      'Deletes {owner}/{repo}, {other}',
    ).sections;
    expect(call?.blocks[0]).toEqual({ kind: 'pairs', pairs: [['In plain words', 'Deletes “acme”/“web\\n”, {other}']] });
  });
});

describe('hostile text', () => {
  test.each([
    ['bidi', '\u202egnp.exe', '\\u{202e}gnp.exe'],
    ['zero width', 'pay\u200bpal', 'pay\\u{200b}pal'],
    ['controls', 'a\u0007b', 'a\\u0007b'],
    ['tags', 'x\u{e0041}', 'x\\u{e0041}'],
  ])('%s characters are visible', (_what, hostile, seen) => {
    const text = textOf(withArguments({ to: hostile }, { reason: hostile }));
    expect(text).toContain(seen);
    // oxlint-disable-next-line no-control-regex
    expect(text).not.toMatch(/[\u0007\u200b\u202e]|\u{e0041}/u);
  });

  test('HTML is text, also in attributes, and addresses are no links', () => {
    const html = shownToHtml(
      show(withArguments({ a: '"><img src=x onerror=alert(1)>' }, { reason: 'https://evil.example.com' })),
    );
    expect(html.html).not.toContain('<img');
    expect(html.html).not.toContain('https://');
    expect(markup`<a title="${'"\'`<&'}">`.html).toBe('<a title="&#34;&#39;&#96;&#60;&#38;">');
    expect(unlinked('x@example.com').html.replaceAll(/<\/?span>/g, '')).toBe('x@example.com');
  });

  test('words of another alphabet that read as Latin are named', () => {
    expect(findLookAlikes('delete аcme/web')).toEqual([{ word: 'аcme', letters: ['а'] }]);
    expect(findLookAlikes('сосо')).toEqual([{ word: 'сосо', letters: ['с', 'о'] }]);
    expect(findLookAlikes('Привет, мир; café; naïve; 日本')).toEqual([]);
    expect(textOf(withArguments({ owner: 'аcme' }))).toContain('U+0430');
  });

  test('what is sealed is shown as sealed', () => {
    const text = textOf(withArguments({ memo: { $sealed: 'eyJhbGciOiJFQ0RILUVTIn0.ciphertext' } }));
    expect(text).toContain('$sealed');
    expect(text).not.toContain('ciphertext');
  });
});

describe('length', () => {
  test('without a limit everything is there', () => {
    const long = `${'x'.repeat(200_000)}-end`;
    const shown = show(withArguments({ long }));
    expect(shown.clipped).toBe(false);
    expect(shownToText(shown).join('\n')).toContain('-end');
  });

  test('with one, each block is cut with a note, and never inside a character', () => {
    const shown = show(withArguments({ long: '😀'.repeat(1_000) }, { reason: 'why '.repeat(1_000) }), 101);
    const text = shownToText(shown).join('\n');
    expect(shown.clipped).toBe(true);
    expect(text.match(/\[cut here/g)?.length).toBe(2);
    expect(text).not.toMatch(/[\ud800-\udbff](?![\udc00-\udfff])/);
  });
});
