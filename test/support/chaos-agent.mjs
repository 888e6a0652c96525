// An agent as people write one: proposes, waits in resolution(), writes down the answer; killed and started again, it
// proposes what it had not written an answer for again, with the same idempotency key.
// node chaos-agent.mjs JOURNAL LANES [CALLBACK]; every third call names CALLBACK. Ends when JOURNAL.stop is there and every call has its answer.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Holdpoint } from '../../dist/client/index.js';

const [journal, lanes, callback] = process.argv.slice(2);
const hp = new Holdpoint();

const lines = existsSync(journal) ? readFileSync(journal, 'utf8').split('\n').filter(Boolean).map(JSON.parse) : [];
const answered = new Set(lines.filter(({ answer }) => answer).map(({ ref }) => ref));
const proposed = [...new Set(lines.map(({ ref }) => ref))];
const left = proposed.filter((ref) => !answered.has(ref));
let next = proposed.length;

const write = (line) => appendFileSync(journal, `${JSON.stringify(line)}\n`);

/** What gets no answer at all is sent again; the key says that it is the same call. */
async function propose(ref) {
  for (;;) {
    try {
      const call = { service: 'bank', tool: 'bank.pay', arguments: { ref }, threadId: ref };
      const told = callback !== undefined && Number(ref.split('-')[1]) % 3 === 0 ? { callback } : {};
      return await hp.execute({ ...call, ...told }, { idempotencyKey: ref });
    } catch (error) {
      if (!error.retryable) throw error;
      await sleep(200);
    }
  }
}

async function lane() {
  for (;;) {
    const again = left.shift();
    if (again === undefined && existsSync(`${journal}.stop`)) return;
    const ref = again ?? `call-${next++}`;
    write({ ref });
    const d = await propose(ref);
    write({ ref, reviewId: d.reviewId });
    const end = await d.review.resolution();
    const { status, comment, edited, retryable } = end;
    write({ ref, reviewId: d.reviewId, answer: { status, comment, edited, retryable, arguments: end.call.arguments } });
  }
}

await Promise.all(Array.from({ length: Number(lanes) }, lane));
