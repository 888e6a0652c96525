/* oxlint-disable unicorn/require-post-message-target-origin -- a rule for windows; this is a worker thread */
// The thread that runs the embedded database. Plain JavaScript, because Node 20 cannot start a thread from TypeScript and
// this file must run from `src` under the tests and from `dist` alike.
//
// In:  { id, message } (PostgreSQL's protocol), { id, script } (SQL) or { id, close: true }.
// Out: { id, messages } or { id, error } for each; first of all, with the id 0, whether the database could be opened.
import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';

/** What the caller reads of an answer. */
const READ = new Set(['rowDescription', 'dataRow']);

async function answer(database, { message, script, close }) {
  if (close === true) await database.close();
  else if (script !== undefined) await database.exec(script);
  else {
    const { messages } = await database.execProtocol(message);
    return messages.filter(({ name }) => READ.has(name)).map(({ name, fields }) => ({ name, fields }));
  }
  return [];
}

function describe(error) {
  return { message: String(error?.message ?? error), code: error?.code, isRange: error instanceof RangeError };
}

try {
  const database = await PGlite.create(workerData.path, { relaxedDurability: false });
  parentPort.on('message', (asked) => {
    answer(database, asked).then(
      (messages) => parentPort.postMessage({ id: asked.id, messages }),
      (error) => parentPort.postMessage({ id: asked.id, error: describe(error) }),
    );
  });
  parentPort.postMessage({ id: 0 });
} catch (error) {
  parentPort.postMessage({ id: 0, error: describe(error) });
}
