/* oxlint-disable unicorn/require-post-message-target-origin -- a rule for windows; this is a worker thread */
// The thread that holds a PGlite database. Plain JavaScript, because a thread cannot be started from TypeScript on
// Node 20 and this file must run from `src` under the tests and from `dist` alike.
//
// In:  { id, sql, params }, params in text format, or { id, sql, describe: true }. Out: { id, result } or { id, error: { message, sqlState, tooLarge } },
// and first of all { ready: true } or { failed: message }.
import { parentPort, workerData } from 'node:worker_threads';
import { PGlite, types } from '@electric-sql/pglite';

/** Values stay in text format, as with a server. */
const asText = (text) => text;

async function open() {
  const database = new PGlite(workerData.directory);
  await database.waitReady;
  const oids = [...Object.keys(types.parsers), ...Object.keys(database.parsers ?? {})];
  const parsers = Object.fromEntries(oids.map((oid) => [oid, asText]));
  parentPort.on('message', (message) => void answer(database, parsers, message));
  parentPort.postMessage({ ready: true });
}

async function answer(database, parsers, { id, close, sql, params, describe }) {
  try {
    if (close === true) {
      await database.close();
      parentPort.postMessage({ id, result: null });
      return;
    }
    if (describe === true) {
      await database.describeQuery(sql);
      parentPort.postMessage({ id, result: null });
      return;
    }
    const result = await database.query(sql, params, {
      rowMode: 'array',
      parsers,
      paramTypes: params.map(() => 0),
      serializers: { 0: asText },
    });
    parentPort.postMessage({ id, ...bounded(result) });
  } catch (error) {
    parentPort.postMessage({
      id,
      error: { message: String(error?.message ?? error), sqlState: error?.severity ? (error.code ?? null) : null },
    });
  }
}

function bounded(result) {
  let size = 0;
  for (const row of result.rows) for (const value of row) size += value === null ? 1 : value.length;
  if (size > workerData.answerLimit) return { error: { message: 'the answer is too large', tooLarge: true } };
  return {
    result: {
      command: result.command ?? '',
      rowCount: result.rowCount ?? result.affectedRows ?? null,
      columns: result.fields.map(({ name, dataTypeID }) => ({ name, typeOid: dataTypeID })),
      rows: result.rows,
    },
  };
}

open().catch((error) => parentPort.postMessage({ failed: String(error?.message ?? error) }));
