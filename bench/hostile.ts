import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { callThrough } from './gate/holdpoint.ts';
import { quantilesOf } from './gate/measure.ts';
import { ATTACKS, closeAttackers } from './hostile/attacks.ts';
import { startHostileWorld, type HostileWorld } from './hostile/world.ts';

/**
 * Measures how a hostile caller affects others: p99 of `GET /healthz` and of another agent's reversible call while the
 * worst bodies of each kind are sent to one route after the other, compared with the same without an attack, in turns in one
 * run. Exits with 1 if a p99 is above `AIM` times the idle one. `WINDOW` ms is how long each is measured, `ONLY` selects attacks.
 */
const WINDOW = Number(process.env['WINDOW'] ?? 8_000);
const AIM = 3;
const only = process.env['ONLY'];

interface Noticed {
  readonly healthz: readonly number[];
  readonly calls: readonly number[];
}

const dispatcher = new Agent({ connections: 4 });
const attacks = ATTACKS.filter(({ name }) => only === undefined || name.includes(only));
const world = await startHostileWorld(
  attacks.length,
  attacks.findIndex(({ name }) => name.startsWith('GET /v1/events')),
);
try {
  await measure(world, 3 * WINDOW);
  const rounds: { readonly name: string; readonly noticed: Noticed }[] = [];
  const idle: Noticed[] = [];
  for (const [n, attack] of attacks.entries()) {
    idle.push(await measure(world, WINDOW));
    const stop = new AbortController();
    setMaxListeners(0, stop.signal);
    const running = attack.run(world, world.attacker(n), stop.signal);
    const noticed = await measure(world, WINDOW);
    stop.abort();
    const answers = [...(await running)].map(([status, count]) => `${count} × ${status}`).join(', ');
    rounds.push({ name: attack.name, noticed });
    console.error(`${attack.name}: ${answers}`);
    // What it left behind is not the next one's.
    await sleep(2_000);
  }
  idle.push(await measure(world, WINDOW));
  console.log(`${'p99, ms: idle → attacked (times idle)'.padEnd(50)} ${'/healthz'.padEnd(26)} another’s call`);
  let over = 0;
  for (const [n, { name, noticed }] of rounds.entries()) {
    // The machine's speed drifts: compare with the idle windows just before and just after.
    const idleAround = [idle[n], idle[n + 1]].filter((window) => window !== undefined);
    const healthz = idleAround.flatMap((window) => window.healthz);
    const calls = idleAround.flatMap((window) => window.calls);
    over += row(name, p99Of(noticed), p99Of({ healthz, calls })) ? 1 : 0;
  }
  console.log(over === 0 ? `all within ${AIM} times idle` : `${over} of ${rounds.length} above ${AIM} times idle`);
  if (over > 0) process.exitCode = 1;
} finally {
  await Promise.all([closeAttackers(), dispatcher.close()]);
  await world.close();
}

/** Both at once, each asked again a little after it was answered. */
async function measure({ url, agentKeys }: HostileWorld, ms: number): Promise<Noticed> {
  let turn = 0;
  const end = performance.now() + ms;
  const timed = async (ask: () => Promise<void>, pause: number): Promise<readonly number[]> => {
    const times: number[] = [];
    while (performance.now() < end) {
      const from = performance.now();
      const isAnswered = await ask().then(
        () => true,
        () => false,
      );
      // A call that was refused, or not made while its caller waited, took forever.
      times.push(isAnswered ? performance.now() - from : Infinity);
      await sleep(pause);
    }
    return times;
  };
  const [healthz, calls] = await Promise.all([
    timed(async () => {
      const { body } = await request(`${url}/healthz`, { dispatcher });
      await body.dump();
    }, 10),
    timed(() => {
      const agentKey = agentKeys[(turn += 1) % agentKeys.length] ?? '';
      return callThrough({ url, agentKey, reviewerToken: '' });
    }, 50),
  ]);
  return { healthz, calls };
}

function p99Of({ healthz, calls }: Noticed): { readonly healthz: number; readonly call: number } {
  return { healthz: quantilesOf(healthz).p99, call: quantilesOf(calls).p99 };
}

/** True where it is above the aim. */
function row(name: string, is: ReturnType<typeof p99Of>, idle: ReturnType<typeof p99Of>): boolean {
  const cell = (value: number, baseline: number): string =>
    `${baseline.toFixed(1).padStart(8)} → ${value.toFixed(1).padStart(7)} (${(value / baseline).toFixed(2)})`.padEnd(
      28,
    );
  const isOver = is.healthz > AIM * idle.healthz || is.call > AIM * idle.call;
  console.log(
    `${name.padEnd(50)}${cell(is.healthz, idle.healthz)}${cell(is.call, idle.call)}${isOver ? '  over' : ''}`,
  );
  return isOver;
}
