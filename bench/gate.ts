import { startHoldpoint } from '../test/support/holdpoint.ts';
import { openBare, openShape } from './gate/bare.ts';
import { startTarget, writeDeployment } from './gate/deployment.ts';
import { openHoldpoint } from './gate/holdpoint.ts';
import { openLangGraph } from './gate/langgraph.ts';
import { measureCalls, measureLatency, measureRate, median, type Caller, type Door } from './gate/measure.ts';

/**
 * Compares Holdpoint's hard gate and its reversible call with bare Temporal (a signal, a 24 h timer, one activity), with
 * the gate's Temporal operations without its work, and with LangGraph.js on PostgreSQL, in one run, in turns: on shared
 * machines only ratios within one run are meaningful. `ROUNDS`, `GATES` and `CALLS` set how much is measured.
 */
/** Fewer than three rounds have no meaningful median. */
const ROUNDS = Math.max(3, Number(process.env['ROUNDS'] ?? 5));
const GATES = Number(process.env['GATES'] ?? 300);
const CALLS = Number(process.env['CALLS'] ?? 100);
const CLIENTS = 20;

/** Figures of one round of one door or caller, by the name of their row. */
type Round = Readonly<Record<string, number>>;

const target = await startTarget();
const deployment = writeDeployment(target.url);
const holdpoint = await startHoldpoint({ config: deployment.config });
const bare = await openBare(holdpoint.temporalAddress, target.url);
const shape = await openShape(holdpoint.temporalAddress, target.url);
const langGraph = await openLangGraph(target.url);
const through = openHoldpoint({ ...deployment, url: holdpoint.url });
const doors: readonly Door[] = [bare, shape, through, langGraph];
const direct: Caller = {
  name: 'the call itself',
  call: async () => void (await (await fetch(`${target.url}/payouts/p-1`)).text()),
};
const callers: readonly Caller[] = [bare, direct, bare.standalone, through, langGraph];
try {
  for (const door of doors) await measureRate(() => door.gate(), CLIENTS, 100);
  for (const caller of callers) await measureRate(() => caller.call(), CLIENTS, 100);
  const gates = await inTurns(doors, async (door) => {
    const rate = await measureRate(() => door.gate(), CLIENTS, GATES);
    const { pending, decided } = await measureLatency(door, CALLS);
    return {
      [`gates a second, ${CLIENTS} clients`]: rate,
      'propose → pending, ms, median': pending.median,
      'propose → pending, ms, p99': pending.p99,
      'decision → executed, ms, median': decided.median,
      'decision → executed, ms, p99': decided.p99,
    };
  });
  const calls = await inTurns(callers, async (caller) => {
    const rate = await measureRate(() => caller.call(), CLIENTS, GATES);
    const { median: middle, p99 } = await measureCalls(caller, CALLS);
    return { [`calls a second, ${CLIENTS} clients`]: rate, 'one call, ms, median': middle, 'one call, ms, p99': p99 };
  });

  console.log(`medians of ${ROUNDS} rounds, and their ratio to bare Temporal in the same round\n`);
  table('a hard gate', doors, gates);
  table('a reversible call', callers, calls);
  const asked = gates[doors.indexOf(through)]?.map((round) => round['propose → pending, ms, median'] ?? NaN) ?? [];
  const called = calls[callers.indexOf(bare)]?.map((round) => round['one call, ms, median'] ?? NaN) ?? [];
  console.log(`propose → pending ÷ bare workflow with one activity: ${ratio(asked, called).toFixed(2)}`);
} finally {
  await Promise.all(doors.map((door) => door.close()));
  await holdpoint.destroy();
  await target.close();
}

/** One after the other, round by round: the machine's speed drifts, and what is in one round drifts together. */
async function inTurns<T extends { readonly name: string }>(
  all: readonly T[],
  measure: (one: T) => Promise<Round>,
): Promise<readonly (readonly Round[])[]> {
  const rounds: Round[][] = all.map(() => []);
  for (let n = 1; n <= ROUNDS; n += 1) {
    for (const [index, one] of all.entries()) {
      const round = await measure(one);
      rounds[index]?.push(round);
      const figures = Object.entries(round).map(([name, value]) => `${name} ${value.toFixed(1)}`);
      console.error(`round ${n}, ${one.name}: ${figures.join(' · ')}`);
    }
  }
  return rounds;
}

/** A column for each; ratios to the first. */
function table(title: string, all: readonly { readonly name: string }[], rounds: readonly (readonly Round[])[]): void {
  const rows = Object.keys(rounds[0]?.[0] ?? {});
  const lines = rows.map((name) => {
    const values = rounds.map((of) => of.map((round) => round[name] ?? NaN));
    const cells = values.map((of, n) => {
      const figure = median(of);
      const beside = n === 0 ? '' : ` (${ratio(of, values[0] ?? []).toFixed(2)})`;
      return `${figure.toFixed(figure < 10 ? 2 : 1)}${beside}`;
    });
    return [name, ...cells];
  });
  const cells = [[title, ...all.map(({ name }) => name)], ...lines];
  const widths = cells[0]?.map((_cell, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0))) ?? [];
  for (const line of cells) console.log(line.map((text, n) => text.padEnd(widths[n] ?? 0)).join('  '));
  console.log('');
}

function ratio(a: readonly number[], b: readonly number[]): number {
  return median(a.map((value, n) => value / (b[n] ?? NaN)));
}
