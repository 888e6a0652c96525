import { startApart, PART_NAMES } from './gate/apart.ts';
import { startTarget } from './gate/deployment.ts';
import { openHoldpoint, propose, readList } from './gate/holdpoint.ts';
import { measureCalls, measureLatency, measureRate } from './gate/measure.ts';

/**
 * What more pending reviews cost, parts apart on PostgreSQL: the same figures with each number of them in `PENDING`
 * (default 0, 1,000 and 10,000), in one run.
 */
const STEPS = (process.env['PENDING'] ?? '0,1000,10000').split(',').map(Number);
const CALLS = Number(process.env['CALLS'] ?? 100);
const CLIENTS = 20;

const target = await startTarget();
const apart = await startApart(target.url);
const door = openHoldpoint(apart.keys);
try {
  await measureRate(() => door.gate(), CLIENTS, 200);
  let there = 0;
  for (const step of STEPS) {
    const from = performance.now();
    await measureRate(() => propose(apart.keys), CLIENTS, step - there);
    const filledIn = (performance.now() - from) / 1_000;
    const { pending, decided } = await measureLatency(door, CALLS);
    const rate = await measureRate(() => door.gate(), CLIENTS, CALLS);
    const inbox = await measureCalls(() => readList(apart.keys, 'status=pending&approver=me&limit=50'), 20);
    const filtered = await measureCalls(() => readList(apart.keys, 'tool=payouts.create&limit=50'), 20);
    const memory = PART_NAMES.map((name) => `${name} ${apart.memoryOf(name).toFixed(0)} MB`).join(', ');
    console.log(
      `${step} pending (${step - there} proposed in ${filledIn.toFixed(0)} s): propose → pending ${pending.median.toFixed(1)} ms, ` +
        `decision → executed ${decided.median.toFixed(1)} ms (p99 ${decided.p99.toFixed(1)}), ${rate.toFixed(1)} gates/s, ` +
        `inbox ${inbox.median.toFixed(1)} ms, by tool ${filtered.median.toFixed(1)} ms; ${memory}`,
    );
    there = step;
  }
} finally {
  await door.close();
  await apart.close();
  await target.close();
}
