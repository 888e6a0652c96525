import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Store } from '../../src/ports/store.ts';
import type { ListedTool } from '../../src/domain/upstream.ts';
import { memoryStore } from '../support/databases.ts';

let store: Store;
beforeAll(async () => {
  store = await memoryStore();
});
afterAll(() => store.close());

const tool = (name: string, letter = 'a'): ListedTool => ({
  name,
  digest: `sha256:${letter.repeat(64)}`,
  parts: { description: `sha256:${letter.repeat(64)}` },
  definition: { description: null, inputSchema: { type: 'object' } },
});
const names = (from: number, count: number): ListedTool[] =>
  Array.from({ length: count }, (_, n) => tool(`tool-${String(from + n).padStart(5, '0')}`));

describe('an upstream that lists other names again and again', () => {
  it('is remembered by 2,000 of them, which go on being followed; another server has its own', async () => {
    expect(await store.putUpstreamTools('one', names(0, 1_500))).toBe(0);
    expect(await store.putUpstreamTools('one', names(1_500, 1_500))).toBe(1_000);
    const known = await store.readUpstreamTools();
    expect(known).toHaveLength(2_000);
    expect(known.filter(({ digest }) => digest !== null)).toHaveLength(500);
    expect(await store.putUpstreamTools('one', [tool('tool-00000', 'b'), tool('new')])).toBe(1);
    const [first] = await store.readUpstreamTools();
    expect(first).toMatchObject({ tool: 'tool-00000', digest: tool('x', 'b').digest, first: tool('x').digest });
    expect(await store.putUpstreamTools('two', [tool('new')])).toBe(0);
  });

  it('W6: the parts of a tool are remembered as they were first, before and now', async () => {
    for (const letter of ['a', 'b', 'b', 'c']) await store.putUpstreamTools('parts', [tool('x', letter)]);
    const known = (await store.readUpstreamTools()).find(({ server }) => server === 'parts');
    const { digest, parts } = tool('x', 'b');
    const now = { firstParts: tool('x', 'a').parts, parts: tool('x', 'c').parts, previous: { digest, parts } };
    expect(known).toMatchObject(now);
  });
});
