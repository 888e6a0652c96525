import { startHoldpoint } from '../test/support/holdpoint.ts';
import { openBare, openShape } from './gate/bare.ts';
import { startTarget, writeDeployment } from './gate/deployment.ts';
import { callThrough, openHoldpoint } from './gate/holdpoint.ts';
import { measureLatency, measureThroughput, median, quantilesOf, type Door } from './gate/measure.ts';

/**
 * Compares Holdpoint's hard gate with bare Temporal (a signal, a 24 h timer, one activity) and with the gate's
 * Temporal operations without its work, on the same server, in one run, in turns: on shared machines only
 * ratios within one run are meaningful. `ROUNDS`, `GATES` and `CALLS` set how much is measured.
 */
/** Fewer than three rounds have no meaningful median. */
const ROUNDS = Math.max(3, Number(process.env['ROUNDS'] ?? 5));
const GATES = Number(process.env['GATES'] ?? 300);
const CALLS = Number(process.env['CALLS'] ?? 100);
const CLIENTS = 20;

/** One round of one door. */
interface Round {
  readonly rate: number;
  readonly pending: number;
  readonly pendingP99: number;
  readonly decided: number;
  readonly decidedP99: number;
}

const target = await startTarget();
const deployment = writeDeployment(target.url);
const holdpoint = await startHoldpoint({ config: deployment.config });
const keys = { url: holdpoint.url, agentKey: deployment.agentKey, reviewerToken: deployment.reviewerToken };
const doors: readonly Door[] = [
  await openBare(holdpoint.temporalAddress, target.url),
  await openShape(holdpoint.temporalAddress, target.url),
  openHoldpoint(keys),
];
try {
  for (const door of doors) await measureThroughput(door, CLIENTS, 100);
  const rounds: Round[][] = doors.map(() => []);
  for (let n = 1; n <= ROUNDS; n += 1) {
    for (const [index, door] of doors.entries()) {
      const round = await measure(door);
      rounds[index]?.push(round);
      console.error(
        `round ${n}, ${door.name}: ${round.rate.toFixed(1)} gates/s, decision → executed ${round.decided.toFixed(1)} ms`,
      );
    }
  }
  const direct: number[] = [];
  const through: number[] = [];
  for (let n = 0; n < CALLS * 3; n += 1) {
    let from = performance.now();
    await (await fetch(`${target.url}/payouts/p-1`)).text();
    direct.push(performance.now() - from);
    from = performance.now();
    await callThrough(keys);
    through.push(performance.now() - from);
  }

  console.log(
    `medians of ${ROUNDS} rounds                         bare      shape  Holdpoint  shape÷bare  Holdpoint÷bare`,
  );
  row(`gates per second, ${CLIENTS} clients`, rounds, 'rate');
  row('propose → pending, ms, median', rounds, 'pending');
  row('propose → pending, ms, p99', rounds, 'pendingP99');
  row('decision → executed, ms, median', rounds, 'decided');
  row('decision → executed, ms, p99', rounds, 'decidedP99');
  const [d, t] = [quantilesOf(direct), quantilesOf(through)];
  console.log('\nreversible call                      direct    through Holdpoint');
  console.log(`one call, ms, median           ${cell(d.median)}${cell(t.median)}`);
  console.log(`one call, ms, p99              ${cell(d.p99)}${cell(t.p99)}`);
} finally {
  await Promise.all(doors.map((door) => door.close()));
  await holdpoint.destroy();
  await target.close();
}

async function measure(door: Door): Promise<Round> {
  const { gatesPerSecond: rate } = await measureThroughput(door, CLIENTS, GATES);
  const { pending, decided } = await measureLatency(door, CALLS);
  return { rate, pending: pending.median, pendingP99: pending.p99, decided: decided.median, decidedP99: decided.p99 };
}

function row(name: string, rounds: readonly (readonly Round[])[], figure: keyof Round): void {
  const [bare = [], shape = [], held = []] = rounds.map((of) => of.map((round) => round[figure]));
  const medians = [bare, shape, held].map((values) => cell(median(values))).join('');
  const ratios = [shape, held].map((values) => ratio(values, bare).toFixed(2).padStart(12)).join('  ');
  console.log(`${name.padEnd(36)}${medians}${ratios}`);
}

/** Round by round: the machine's speed drifts, both sides of one round drift together. */
function ratio(a: readonly number[], b: readonly number[]): number {
  return median(a.map((value, n) => value / (b[n] ?? NaN)));
}

function cell(value: number): string {
  return value.toFixed(value < 10 ? 2 : 1).padStart(11);
}
