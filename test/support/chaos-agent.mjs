// An agent as people write one: proposes, waits in resolution(), writes down the answer; killed and started again, it
// proposes what it had not written an answer for again, with the same idempotency key.
// node chaos-agent.mjs JOURNAL NAME SEED LANES CALLBACK; every third call names CALLBACK. Ends when JOURNAL.stop is there
// and every call has its answer. The first word of a ref says what is to become of the call.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Holdpoint } from '../../dist/client/index.js';

const [journal, name, seed, lanes, callback] = process.argv.slice(2);
const hp = new Holdpoint();

/** Tools by what is to become of the call, and how often it is proposed. */
const KINDS = {
  read: ['bank.get', 4],
  notify: ['bank.notify', 2],
  pay: ['bank.pay', 4],
  order: ['bank.order', 3],
  wire: ['bank.wire', 2],
  chain: ['bank.chain', 2],
  edit: ['bank.pay', 2],
  revise: ['bank.pay', 2],
  reject: ['bank.pay', 2],
  object: ['bank.pay', 2],
  both: ['bank.pay', 2],
  withdraw: ['bank.pay', 2],
  expire: ['bank.brief', 1],
};
const DRAW = Object.entries(KINDS).flatMap(([kind, [, share]]) => Array.from({ length: share }, () => kind));

/** The same for the same seed, however often the agent has died. */
function kindOf(number) {
  let state = Math.imul((Number(seed) + number * 2_654_435_761) >>> 0, 0x9e3779b1);
  state = Math.imul(state ^ (state >>> 15), 0x85ebca6b);
  return DRAW[((state ^ (state >>> 13)) >>> 0) % DRAW.length];
}

const lines = existsSync(journal) ? readFileSync(journal, 'utf8').split('\n').filter(Boolean).map(JSON.parse) : [];
const answered = new Set(lines.filter(({ answer }) => answer).map(({ ref }) => ref));
const proposed = [...new Set(lines.map(({ ref }) => ref))];
const left = proposed.filter((ref) => !answered.has(ref));
let next = proposed.length;

const write = (line) => appendFileSync(journal, `${JSON.stringify(line)}\n`);

/** What gets no answer at all is sent again; the key says that it is the same call. */
async function propose(ref) {
  const [kind, , number] = ref.split('-');
  const [tool] = KINDS[kind];
  for (;;) {
    try {
      const args = kind === 'wire' ? { ref, memo: `memo-of-${ref}` } : { ref };
      const call = { service: 'bank', tool, arguments: args, threadId: ref };
      const told = Number(number) % 3 === 0 ? { callback } : {};
      return await hp.execute({ ...call, ...told }, { idempotencyKey: ref });
    } catch (error) {
      if (!error.retryable) throw error;
      await sleep(200);
    }
  }
}

/** Where no answer came, or none that says that it counts, it is sent again. */
async function withdraw(review) {
  for (;;) {
    await review.withdraw().catch(() => undefined);
    const { status } = await review.get().catch(() => ({ status: 'pending' }));
    if (status !== 'pending') return;
    await sleep(500);
  }
}

async function lane() {
  for (;;) {
    const again = left.shift();
    if (again === undefined && existsSync(`${journal}.stop`)) return;
    const ref = again ?? `${kindOf(next)}-${name}-${next++}`;
    write({ ref });
    const { reviewId, review, outcome } = await propose(ref);
    write({ ref, reviewId, outcome });
    if (ref.startsWith('withdraw')) await withdraw(review);
    const end = await review.resolution({ onChangesRequested: () => ({ ref, amount: 3 }) });
    const { status, comment, edited, retryable } = end;
    write({ ref, reviewId, answer: { status, comment, edited, retryable, arguments: end.call.arguments } });
  }
}

await Promise.all(Array.from({ length: Number(lanes) }, lane));
