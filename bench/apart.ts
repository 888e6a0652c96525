import { startApart } from './gate/apart.ts';
import { openBare } from './gate/bare.ts';
import { startTarget } from './gate/deployment.ts';
import { openHoldpoint } from './gate/holdpoint.ts';
import { measureRate, type Door } from './gate/measure.ts';
import { inTurns, measureCaller, measureDoor, table } from './gate/report.ts';

/**
 * The parts as processes of their own on PostgreSQL, beside a bare standalone activity and a bare workflow on the same
 * Temporal server, in one run, in turns. `ROUNDS`, `GATES` and `CALLS` set how much is measured.
 */
const ROUNDS = Math.max(3, Number(process.env['ROUNDS'] ?? 5));
const AMOUNTS = { clients: 20, many: Number(process.env['GATES'] ?? 300), few: Number(process.env['CALLS'] ?? 100) };

const target = await startTarget();
const apart = await startApart(target.url);
const bare = await openBare(apart.temporalAddress, target.url);
const through = openHoldpoint(apart.keys);
const doors: readonly Door[] = [bare, through];
const callers = [bare.standalone, bare, through];
try {
  for (const door of doors) await measureRate(() => door.gate(), AMOUNTS.clients, 100);
  for (const caller of callers) await measureRate(() => caller.call(), AMOUNTS.clients, 100);
  const gates = await inTurns(doors, ROUNDS, (door) => measureDoor(door, AMOUNTS));
  const calls = await inTurns(callers, ROUNDS, (caller) => measureCaller(caller, AMOUNTS));
  console.log(`medians of ${ROUNDS} rounds, and their ratio to the first column in the same round\n`);
  table('a hard gate', doors, gates);
  table('a reversible call', callers, calls);
} finally {
  await Promise.all(doors.map((door) => door.close()));
  await apart.close();
  await target.close();
}
