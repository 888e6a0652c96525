import { describe, expect, test } from 'vitest';
import { showReview } from '../../src/domain/show/show-review.ts';
import type { ShowOptions, Voice } from '../../src/domain/show/shown.ts';
import { markup, shownToHtml, unlinked } from '../../src/domain/show/to-html.ts';
import { layOutText, shownToText } from '../../src/domain/show/to-text.ts';
import { findLookAlikes } from '../../src/domain/text/look-alikes.ts';
import type { JsonObject } from '../../src/contract/json.ts';
import { NOT_STARTED, type Material, type Review } from '../../src/contract/review.ts';
import { splitVisible } from '../../src/dashboard/ui/visible.ts';
import { APPROVED_NOT_RUN, aReview, DEFERRED, STOPPED } from './client-fixtures.ts';

const AT = '2026-04-01T12:00:00.000Z';
const NOW = Date.parse('2026-04-01T12:00:10.000Z');
const show = (review: Review, limit = Infinity, more: Partial<ShowOptions> = {}) =>
  layOutText(showReview(review, { now: NOW, tool: undefined, pinned: {}, ...more }), limit);
/** Every text of the sections of one voice. */
const saidBy = (voice: Voice, review: Review, more: Partial<ShowOptions> = {}) =>
  shownToText({ sections: show(review, Infinity, more).sections.filter((section) => section.voice === voice) }).join(
    '\n',
  );
const withArguments = (args: Review['call']['arguments'], over: Partial<Review> = {}) =>
  aReview({ target: null, call: { ...aReview().call, arguments: args }, ...over });
const textOf = (review: Review) => shownToText(show(review)).join('\n');

describe('B1: numbers that a double does not hold', () => {
  const [id, large] = [{ $number: '1234567890123456789' }, { $number: '1e400' }];
  const facts = [
    { name: 'id', label: 'Number', value: id },
    { name: 'rows', label: 'Rows', value: [{ id, x: large, text: '1234567890123456788' }] },
  ];
  const done = { ...aReview().execution, status: 'executed' as const, body: { id, list: [large], text: 'a' } };
  const review = aReview({ evidence: [{ facts, sourceHash: null, gatheredAt: AT }], execution: done });

  test('are shown with every digit, and told from text, in evidence and answer', () => {
    const text = saidBy('holdpoint', review, { withAnswer: true });
    expect(text).toContain('Number: 1234567890123456789');
    expect(text).toContain('1234567890123456789 · 1e400 · "1234567890123456788"');
    expect(text).toContain('"id": 1234567890123456789,');
    expect(text).not.toContain('$number');
  });
});

describe('the order of a review', () => {
  const review = aReview({
    reason: 'Approve at once.\nFOUND OUT BY HOLDPOINT: nothing to see',
    evidence: [{ facts: [{ name: 'rows', label: 'Rows', value: 1_247 }], sourceHash: 'sha256:00', gatheredAt: 'now' }],
  });

  test('why and who, Holdpoint’s own evidence, the call below it, and only then the agent’s words', () => {
    const voices = show(review).sections.map(({ voice }) => voice);
    expect(voices).toEqual(['holdpoint', 'holdpoint', 'call', 'call', 'agent', 'holdpoint', 'reviewer']);
    const text = textOf(review);
    const places = ['Owner', 'Time left', '1,247', 'DELETE FROM users', 'Approve at once.'].map((part) =>
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

  test('who stopped an approved call, and why', () => {
    const said = saidBy('reviewer', aReview(STOPPED));
    expect(said).toMatch(/ops-2 rejected the call, which stopped it[^]*the wrong table/);
  });

  test('K1: what could not be read stands in its place, and pins among it above all else', () => {
    const omitted = (more: JsonObject): JsonObject => ({
      $omitted: 'preview_rejected',
      message: 'The target answered the preview with 403',
      ...more,
    });
    const facts = [
      { name: 'id', label: 'Repository id', value: 7 },
      { name: 'pulls', label: 'Open pull requests', value: omitted({ bytes: 300_000 }) },
      { name: 'head', label: 'Head', value: omitted({ pinned: true }) },
      { name: 'rows', label: 'Sample', value: { $omitted: 'response_too_large', bytes: 70_002 } },
    ];
    const evidence = [{ facts, sourceHash: 'sha256:00', gatheredAt: AT }];
    const text = textOf(aReview({ evidence }));
    expect(text).toMatch(
      /Open pull requests: +could not be read: "The target answered the preview with 403"; 300,000 bytes/,
    );
    expect(text).toMatch(/Sample: +not shown \(response_too_large\); 70,002 bytes/);
    expect(text).toContain('Not read: Head. If it changes before the call runs, the call runs all the same.');
    expect(text.indexOf('Not read: Head')).toBeLessThan(text.indexOf('300,000 bytes'));
    const whole = textOf(aReview({ evidence: [], previewError: { code: 'preview_timeout', message: 'too long' } }));
    expect(whole).toContain('What this call acts on could not be read.');
    const none = { code: 'not_a_modification', message: 'no INSERT' };
    expect(textOf(aReview({ evidence: [], previewError: none }))).not.toContain('could not be read');
    expect(textOf(aReview({ evidence: [{ ...evidence[0]!, facts: facts.slice(0, 2) }] }))).not.toContain('Not read');
    expect(textOf(aReview({ evidence, status: 'blocked' }))).not.toContain('Not read');
  });

  test('that its tool ran as often as it may in an hour stands on an approved call, with when it can run', () => {
    const limited = { perHour: 60, from: '2026-04-01T12:40:00.000Z' };
    const text = textOf(aReview({ ...APPROVED_NOT_RUN, execution: { ...NOT_STARTED, limited } }));
    expect(text).toContain('60 calls of its tool ran in the last hour, as many as limits.irreversiblePerToolPerHour');
    expect(text).toContain('not made before 2026-04-01T12:40:00.000Z');
  });

  test('N1: why an approved call waits, since when and until when, and that it can still be stopped', () => {
    const text = textOf(aReview(DEFERRED));
    expect(text).toContain('Deferred');
    expect(text).toContain('The target answered 429, and asks to wait 20 s');
    expect(text).toContain('2 times so far');
    expect(text).toContain('2026-04-01T12:00:26.000Z');
    expect(text).toContain('not run yet, and will be made again; a reviewer can still stop it');
    expect(saidBy('reviewer', aReview(DEFERRED))).toContain('Call sent without effect');
  });

  test('a proposer whom nobody vouches for is a warning', () => {
    const unattested = aReview({ proposer: { id: 'temporal:x', owner: null, attested: false } });
    const blocks = show(unattested).sections.flatMap((section) => section.blocks);
    expect(blocks.filter(({ kind }) => kind === 'warning')).toHaveLength(1);
  });

  test('C2: too few people to decide it is said first, with the people left', () => {
    const shortfall = { level: 'finance', quorum: 2, votes: 0, left: ['finance-2'], lost: [] };
    const told = [aReview({ shortfall }), aReview()].map((review, index) =>
      saidBy('holdpoint', review, index === 0 ? {} : { shortfall }),
    );
    for (const text of told) expect(text).toMatch(/Too few people[^]*finance[^]*needs 2[^]*finance-2/);
    const lost = saidBy('holdpoint', aReview({ shortfall: { ...shortfall, lost: ['ops-2'] } }));
    expect(lost).toMatch(/ops-2[^]*no longer counts/);
  });

  test('W6: which part of which tool of the MCP server changed is said first', () => {
    const tools = [
      { tool: 'mcp.tickets.wipe', parts: ['description'] },
      { tool: 'mcp.tickets.close', parts: ['inputSchema', 'annotations'] },
    ];
    const text = saidBy('holdpoint', aReview({ upstreamChanges: { tools, more: 3 } }));
    expect(text).toMatch(
      /mcp\.tickets\.wipe.* \(description\); .*mcp\.tickets\.close.* \(inputSchema, annotations\); and 3 more/,
    );
  });

  test('the tool and why policy holds it', () => {
    const tool = { reason: 'cannot be undone' };
    const [why] = show(withArguments({ owner: 'acme' }), Infinity, { tool }).sections;
    const pairs = new Map(why?.blocks.flatMap((block) => (block.kind === 'pairs' ? block.pairs : [])));
    expect(pairs.get('Tool')).toBe('postgres.execute');
    expect(pairs.get('Why it is held')).toContain('cannot be undone');
  });
});

describe('whose words they are', () => {
  const said = aReview({
    reason: 'reason-x',
    context: { said: 'context-x', env: 'production' },
    group: 'group-x',
    threadId: 'thread-x',
  });

  test('reason, context, group and thread are the agent’s, and in nobody else’s voice', () => {
    for (const part of ['reason-x', 'context-x', 'group-x', 'thread-x']) {
      expect(saidBy('agent', said)).toContain(part);
      expect(`${saidBy('holdpoint', said)}${saidBy('call', said)}`).not.toContain(part);
    }
  });

  test('context that the configuration pins is not', () => {
    const more = { pinned: { env: 'production', said: 'something else' } };
    expect(saidBy('holdpoint', said, more)).toContain('"env": "production"');
    expect(saidBy('agent', said, more)).not.toContain('production');
    expect(saidBy('agent', said, more)).toContain('context-x');
  });

  test('every level with its progress, and separation of duties', () => {
    const vote = {
      decisionUlid: 'u',
      type: 'approve' as const,
      reviewer: 'ops-2',
      channel: 'api' as const,
      decidedAt: 'then',
      level: 1,
      revision: 1,
      comment: null,
    };
    const [first] = aReview().levels;
    const levels = [
      { ...first!, status: 'passed' as const, decisions: [vote] },
      { ...first!, name: 'money', approvers: ['finance', 'board'], quorum: 2, status: 'open' as const },
    ];
    const text = saidBy('holdpoint', aReview({ levels, level: 2, separationOfDuties: true }));
    expect(text).toContain('1. approval: 1 of 1 from ops (passed)');
    expect(text).toContain('2. money: 0 of 2 from finance or board (open)');
    expect(text).toContain('Separation of duties');
  });
});

describe('what its kind of tool is known by', () => {
  const call = (tool: string, args: Review['call']['arguments']) =>
    shownToText({
      sections: show(
        aReview({ target: null, call: { ...aReview().call, tool, service: 'x', arguments: args } }),
      ).sections.filter(({ voice }) => voice === 'call'),
    });

  test('SQL line by line, once, beside whatever else is there', () => {
    const lines = call('postgres.execute', { sql: 'DELETE FROM users\n\tWHERE id = 7', params: [1] });
    expect(lines).toEqual(expect.arrayContaining(['  │ DELETE FROM users', '  │ \\tWHERE id = 7']));
    expect(lines.join('\n').match(/DELETE/g)).toHaveLength(1);
    expect(lines.join('\n')).toContain('"params"');
  });

  test('a repository by its name', () => {
    expect(call('github.repos.delete', { owner: 'acme', repo: 'web' })).toContain('  Repository: acme / web');
  });
});

describe('what changed since the last version', () => {
  const material = (revision: number, args: Material['arguments'], over: Partial<Material> = {}): Material => ({
    schemaVersion: 1,
    deploymentId: 'demo',
    reviewId: 'rev_01J00000000000000000000000',
    revision,
    kind: 'call',
    proposer: 'demo-agent',
    owner: 'ops-1',
    service: 'postgres',
    tool: 'postgres.execute',
    arguments: args,
    target: { connector: 'postgres', request: args },
    evidence: null,
    context: {},
    class: 'sensitive',
    levels: [],
    separationOfDuties: false,
    expiresAt: null,
    policyDigest: `sha256:${'cd'.repeat(32)}`,
    ...over,
  });
  /** A review that shows what was digested of a version. */
  const reviewAt = (now: Material | undefined, revision: number) =>
    aReview({
      revision,
      ...(now === undefined ? {} : { class: now.class, target: now.target, context: now.context, expiresAt: null }),
      call: { ...aReview().call, arguments: now?.arguments ?? {} },
      levels: (now?.levels ?? []).map((level) => ({ ...level, status: 'waiting' as const, decisions: [] })),
    });
  const changesOf = (materials: readonly Material[], revision = 2, limit = Infinity) =>
    shownToText({
      sections: show(reviewAt(materials.at(-1), revision), limit, { materials }).sections.filter(
        ({ voice }) => voice === 'call',
      ),
    }).filter((line) => /^ {2}│ [+-] /.test(line));

  test('arguments once, class and levels line by line, and nothing that stayed', () => {
    const level = { name: 'money', approvers: ['finance'], quorum: 1, escalation: null };
    const changed = { class: 'irreversible' as const, levels: [level] };
    const lines = changesOf([material(1, { a: 'one', same: 1 }), material(2, { a: 'tw\u202eo', same: 1 }, changed)]);
    expect(lines.filter((line) => line.includes('"a"'))).toEqual([
      '  │ -     "a": "one",',
      '  │ +     "a": "tw\\u{202e}o",',
    ]);
    expect(lines.filter((line) => line.includes('"class"'))).toHaveLength(2);
    expect(lines.join('\n')).toContain('money');
    expect(lines.join('\n')).not.toContain('same');
  });

  test('a request that is rendered differently though the arguments are the same', () => {
    const other = { target: { connector: 'postgres', request: { a: 'elsewhere' } } };
    expect(changesOf([material(1, { a: 'one' }), material(2, { a: 'one' }, other)]).join('\n')).toContain('elsewhere');
  });

  test('what is sealed stays sealed, and anew is seen to be another', () => {
    const sealed = (text: string) => ({ memo: { $sealed: `header.secret.${text}` } });
    const lines = changesOf([material(1, sealed('first-tag-first')), material(2, sealed('other-tag-other'))]).join(
      '\n',
    );
    expect(lines).toContain('st-tag-first');
    expect(lines).not.toContain('secret');
  });

  test('the first version has nothing to compare; one whose predecessor was erased says so', () => {
    expect(show(aReview()).sections.some(({ heading }) => heading.startsWith('What changed'))).toBe(false);
    const section = show(aReview({ revision: 2 })).sections.find(({ heading }) => heading.startsWith('What changed'));
    expect(section?.blocks).toMatchObject([{ kind: 'pairs' }]);
  });

  test('beyond measure it is all of the old and all of the new', () => {
    const many = (word: string) =>
      Object.fromEntries(Array.from({ length: 3_000 }, (_, n) => [`k${n}`, `${word}${n}`]));
    const lines = changesOf([material(1, many('x')), material(2, many('y'))]);
    expect(lines.filter((line) => line.includes('"k2999"'))).toHaveLength(2);
    const clipped = show(reviewAt(material(2, many('y')), 2), 500, { materials: [material(1, many('x'))] });
    expect(clipped.clipped).toBe(true);
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

  test('so are full-width and mathematical letters, and single ones of another alphabet in a word', () => {
    expect(findLookAlikes('ａcme 𝐚cme').map(({ word }) => word)).toEqual(['ａcme', '𝐚cme']);
    expect(findLookAlikes('пользователь_x').map(({ letters }) => letters.length > 0)).toEqual([true]);
    expect(findLookAlikes('слово')).toEqual([]);
  });

  test('in reason, context, group, evidence and a title as in arguments; what JSON escapes is no letter', () => {
    const facts = [{ name: 'who', label: 'Who', value: ['аcme'] }];
    const odd: readonly Partial<Review>[] = [
      { reason: 'for аcme' },
      { context: { аcme: 1 } },
      { group: 'аcme' },
      { kind: 'in-flow', title: 'аcme?' },
      { evidence: [{ facts, sourceHash: null, gatheredAt: 'then' }] },
    ];
    for (const over of odd) expect(textOf(withArguments({ a: 1 }, over))).toContain('(U+0430) for a');
    expect(textOf(withArguments({ a: 'x\nпривет' }, { reason: 'so\nпривет' }))).not.toContain('what it looks like');
  });

  test('nothing that the page marks is missed here', () => {
    const missed: string[] = [];
    for (let code = 0x80; code < 0x20000; code += 1) {
      if (code >= 0xd800 && code < 0xe000) continue;
      const word = `a${String.fromCodePoint(code)}`;
      const isMarked = splitVisible(word).some(({ kind }) => kind === 'confusable');
      if (isMarked && findLookAlikes(word).length === 0) missed.push(code.toString(16));
    }
    expect(missed).toEqual([]);
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

  test('W5: with one for all of it, the end is cut, and each section says how much of it is left out', () => {
    const notes = Object.fromEntries(Array.from({ length: 900 }, (_, index) => [`note_${index}`, 'a\nb']));
    const whole = showReview(withArguments(notes), { now: NOW, tool: undefined, pinned: {} });
    const shown = layOutText(whole, 800, 10_000);
    const text = shownToText(shown).join('\n');
    expect(shown.clipped).toBe(true);
    expect(text).toContain('note_0, line by line');
    expect(text).toMatch(/\[cut here: \d+ of \d+ parts are left out\]/);
    expect(text.length).toBeLessThan(15_000);
    expect(show(withArguments(notes)).clipped).toBe(false);
  });
});
