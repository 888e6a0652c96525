import { startHoldpoint } from '../test/support/holdpoint.ts';
import { openBare, openShape } from './gate/bare.ts';
import { startTarget, writeDeployment } from './gate/deployment.ts';
import { openHoldpoint } from './gate/holdpoint.ts';
import { openLangGraph } from './gate/langgraph.ts';
import { measureRate, type Caller, type Door } from './gate/measure.ts';
import { inTurns, measureCaller, measureDoor, ONE_CALL, PENDING, ratio, table } from './gate/report.ts';

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
const AMOUNTS = { clients: CLIENTS, many: GATES, few: CALLS };

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
  const gates = await inTurns(doors, ROUNDS, (door) => measureDoor(door, AMOUNTS));
  const calls = await inTurns(callers, ROUNDS, (caller) => measureCaller(caller, AMOUNTS));

  console.log(`medians of ${ROUNDS} rounds, and their ratio to the first column in the same round\n`);
  table('a hard gate', doors, gates);
  table('a reversible call', callers, calls);
  const asked = gates[doors.indexOf(through)]?.map((round) => round[PENDING] ?? NaN) ?? [];
  const called = calls[callers.indexOf(bare)]?.map((round) => round[ONE_CALL] ?? NaN) ?? [];
  console.log(`propose → pending ÷ bare workflow with one activity: ${ratio(asked, called).toFixed(2)}`);
} finally {
  await Promise.all(doors.map((door) => door.close()));
  await holdpoint.destroy();
  await target.close();
}
