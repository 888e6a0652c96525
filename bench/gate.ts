import { startHoldpoint } from '../test/support/holdpoint.ts';
import { openBare } from './gate/bare.ts';
import { startTarget, writeDeployment } from './gate/deployment.ts';
import { callThrough, openHoldpoint } from './gate/holdpoint.ts';
import { measureLatency, measureThroughput, median, quantilesOf } from './gate/measure.ts';

/**
 * Holdpoint's hard gate beside bare Temporal (a signal, a 24 h timer, one activity, nothing else), on the same server,
 * in one run, taking turns: on shared machines only ratios of one run mean anything. `ROUNDS`, `GATES` and `CALLS`
 * change how much is measured.
 */
const ROUNDS = Number(process.env['ROUNDS'] ?? 5);
const GATES = Number(process.env['GATES'] ?? 300);
const CALLS = Number(process.env['CALLS'] ?? 100);
const CLIENTS = 20;

const target = await startTarget();
const deployment = writeDeployment(target.url);
const holdpoint = await startHoldpoint({ config: deployment.config });
const keys = { url: holdpoint.url, agentKey: deployment.agentKey, reviewerToken: deployment.reviewerToken };
const doors = { bare: await openBare(holdpoint.temporalAddress, target.url), held: openHoldpoint(keys) };
try {
  for (const door of [doors.bare, doors.held]) await measureThroughput(door, CLIENTS, 100);

  const rate = { bare: [] as number[], held: [] as number[] };
  const pending = { bare: [] as number[], held: [] as number[], heldP99: [] as number[], bareP99: [] as number[] };
  const decided = { bare: [] as number[], held: [] as number[], heldP99: [] as number[], bareP99: [] as number[] };
  for (let round = 1; round <= ROUNDS; round += 1) {
    for (const side of ['bare', 'held'] as const) {
      const { gatesPerSecond } = await measureThroughput(doors[side], CLIENTS, GATES);
      const latency = await measureLatency(doors[side], CALLS);
      rate[side].push(gatesPerSecond);
      pending[side].push(latency.pending.median);
      decided[side].push(latency.decided.median);
      pending[`${side}P99`].push(latency.pending.p99);
      decided[`${side}P99`].push(latency.decided.p99);
      console.error(
        `round ${round}, ${doors[side].name}: ${gatesPerSecond.toFixed(1)} gates/s, ` +
          `decision → executed ${latency.decided.median.toFixed(1)} ms`,
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

  console.log(`medians of ${ROUNDS} rounds                bare Temporal   Holdpoint   Holdpoint ÷ bare`);
  row(`gates per second, ${CLIENTS} clients`, median(rate.bare), median(rate.held), ratios(rate.held, rate.bare));
  row('propose → pending, ms, median', median(pending.bare), median(pending.held), ratios(pending.held, pending.bare));
  row(
    'propose → pending, ms, p99',
    median(pending.bareP99),
    median(pending.heldP99),
    ratios(pending.heldP99, pending.bareP99),
  );
  row(
    'decision → executed, ms, median',
    median(decided.bare),
    median(decided.held),
    ratios(decided.held, decided.bare),
  );
  row(
    'decision → executed, ms, p99',
    median(decided.bareP99),
    median(decided.heldP99),
    ratios(decided.heldP99, decided.bareP99),
  );
  const [d, t] = [quantilesOf(direct), quantilesOf(through)];
  console.log(`\nreversible call                        direct          through Holdpoint`);
  row('one call, ms, median', d.median, t.median, t.median / d.median);
  row('one call, ms, p99', d.p99, t.p99, t.p99 / d.p99);
} finally {
  await Promise.all([doors.bare.close(), doors.held.close()]);
  await holdpoint.destroy();
  await target.close();
}

/** Round by round: the machine's speed drifts, both sides of one round drift together. */
function ratios(a: readonly number[], b: readonly number[]): number {
  return median(a.map((value, n) => value / (b[n] ?? NaN)));
}

function row(name: string, left: number, right: number, ratio: number): void {
  const cell = (value: number): string => value.toFixed(value < 10 ? 2 : 1).padStart(13);
  console.log(`${name.padEnd(36)}${cell(left)}${cell(right)}${ratio.toFixed(2).padStart(16)}`);
}
