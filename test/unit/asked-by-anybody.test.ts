import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createReadiness } from '../../src/api/http/readiness.ts';
import { createRateLimiter } from '../../src/api/http/rate-limit.ts';
import { PIECE, readPiece, Lane, type Scan } from '../../src/api/service/scan.ts';
import { streamAll } from '../../src/api/service/stream.ts';
import { exportEntries } from '../../src/api/service/audit.ts';
import type { AgentPrincipal } from '../../src/api/principal.ts';

const AGENT: AgentPrincipal = { kind: 'agent', id: 'agent-1', agent: { id: 'agent-1' } };

describe('readiness', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test.each([['that answer'], ['that are down']])('asks servers %s once a second, whoever asks', async (how) => {
    const asked = { database: 0, parts: 0, sweep: 0 };
    const ask = async (part: keyof typeof asked): Promise<void> => {
      asked[part] += 1;
      if (how === 'that are down') throw new Error('down');
    };
    const readiness = createReadiness({
      part: { name: 'gate', instance: 'host-1', version: '1' },
      store: {
        parts: { list: () => ask('parts').then(() => []) },
        recovery: { status: () => ask('sweep').then(() => ({ halt: null, lostLastHour: 0 })) },
        objections: { countUnreadable: async () => 0 },
      } as never,
      settings: { problem: () => null, current: () => ({ configDigest: 'c', policy: { digest: 'p' } }) } as never,
      shutdown: new AbortController().signal,
    });
    readiness.add('database', 'database_unavailable', () => ask('database').then(() => undefined));
    const all = () => Promise.all(Array.from({ length: 50 }, () => readiness.check()));
    await all();
    await vi.advanceTimersByTimeAsync(999);
    const [report] = await all();
    expect(report?.ready).toBe(how === 'that answer');
    expect(asked).toEqual({ database: 1, parts: 1, sweep: 1 });
    await vi.advanceTimersByTimeAsync(1);
    await all();
    expect(asked).toEqual({ database: 2, parts: 2, sweep: 2 });
  });
});

describe('reads of many rows', () => {
  test('run one piece at a time over all callers; one who is gone by then reads nothing', async () => {
    const lane = new Lane();
    const gone = new AbortController();
    let running = 0;
    let most = 0;
    let pieces = 0;
    const piece = async (): Promise<void> => {
      most = Math.max(most, (running += 1));
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      pieces += 1;
    };
    const charge = async (): Promise<void> => undefined;
    const read = ({ signal }: AbortController) =>
      readPiece({ scans: lane }, { owner: 'a', signal, charge }, () => piece().then(() => []));
    const reads = [read(new AbortController()), read(gone), read(new AbortController())];
    gone.abort();
    await Promise.all(reads);
    expect({ most, pieces }).toEqual({ most: 1, pieces: 2 });
  });

  test('a turn that is taken ends once, and only then the next one begins', async () => {
    const lane = new Lane();
    const begun: string[] = [];
    const take = (owner: string) => lane.take(owner).then((end) => (begun.push(owner), end));
    const first = await take('a');
    const [second, third] = [take('b'), take('c')];
    await new Promise((resolve) => setImmediate(resolve));
    expect(begun).toEqual(['a']);
    first();
    first();
    const end = await second;
    expect(begun).toEqual(['a', 'b']);
    end();
    await third;
    expect(begun).toEqual(['a', 'b', 'c']);
  });

  test('take turns by caller: one with many scans does not keep another waiting for all of them', async () => {
    const lane = new Lane();
    const order: string[] = [];
    const read = (owner: string) => lane.run(owner, async () => order.push(owner));
    await Promise.all(['a', 'a', 'a', 'b'].map(read));
    expect(order).toEqual(['a', 'a', 'b', 'a']);
  });

  test('are charged one for every 200 rows, apart from requests: refused, or held until the next minute', async () => {
    const limits = { requestsPerMinute: 2 };
    const limiter = createRateLimiter({ current: () => ({ limits }) } as never, 1);
    const caller = new AbortController();
    const refusing = limiter.scan(AGENT, caller.signal, 'refuse');
    for (let rows = 0; rows < 500; rows += PIECE) await refusing.charge(PIECE);
    await expect(refusing.charge(PIECE)).rejects.toMatchObject({ code: 'rate_limited' });
    await limiter.charge(AGENT, 2);
    let isHeld = true;
    const held = limiter
      .scan(AGENT, caller.signal, 'wait')
      .charge(200)
      .then(() => (isHeld = false));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(isHeld).toBe(true);
    caller.abort();
    await held;
    limiter.close();
  });

  test('an agent’s stream reads its own alone, and stops when the connection is closed', async () => {
    const asked: unknown[] = [];
    const store = {
      countChanges: async () => 1,
      changes: async (_after: unknown, _limit: number, proposer?: string) => {
        asked.push(proposer);
        return Array.from({ length: PIECE }, (_, n) => ({ index: n, row: { reviewId: `rev_${n}` } }));
      },
    };
    const hub = { start: async () => undefined, onAny: () => () => undefined };
    const caller = new AbortController();
    const scan: Scan = { owner: 'a', signal: caller.signal, charge: async () => undefined };
    let events = 0;
    for await (const together of await streamAll({ store, hub, scans: new Lane() } as never, AGENT, 0, scan)) {
      events += together.length;
      if (events > PIECE) caller.abort();
    }
    expect(events).toBe(2 * PIECE);
    expect(asked).toEqual(['agent-1', 'agent-1']);
  });

  test.each([{ type: 'decided' }, { q: 'nowhere' }])(
    'an export of %o, of which there is none, ends when the connection is closed',
    async (filter) => {
      const caller = new AbortController();
      let reads = 0;
      const countRead = (): void => {
        if ((reads += 1) === 2) caller.abort();
      };
      const store = {
        head: async () => ({ size: 1_000_000 }),
        findEntries: async () => {
          countRead();
          return [];
        },
        entries: async (from: number) => {
          countRead();
          return Array.from({ length: PIECE }, (_, n) => ({
            index: from + n,
            entry: { type: 'policy_changed', at: '', policyDigest: '' },
          }));
        },
      };
      const scan: Scan = { owner: 'a', signal: caller.signal, charge: async () => undefined };
      const pages = exportEntries({ store, scans: new Lane() } as never, filter, scan);
      for await (const page of pages) expect(page).toEqual([]);
      expect(reads).toBe(2);
    },
  );
});
