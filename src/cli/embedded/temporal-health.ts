import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { registerSearchAttributes } from '../compose/search-attributes.ts';

/** A review stays readable in Temporal this long after its end; the dev server's own default is one day. */
const RETENTION = '30 days';
const NAMESPACE = 'default';
/** One attempt; a busy machine is slow to answer the first ones. */
const ATTEMPT_MS = 10_000;

/** Resolves when the server answers for the namespace. Rejects when it has ended, or after `timeoutMs`. */
export async function waitUntilServing(address: string, timeoutMs: number, isAlive: () => boolean): Promise<void> {
  await untilItWorks(timeoutMs, isAlive, () =>
    withConnection(address, ({ workflowService }) => workflowService.describeNamespace({ namespace: NAMESPACE })),
  );
}

/**
 * Resolves when the server answers and the namespace is as we need it: retention and search attributes, which are kept in
 * the database file, so that asking again does no harm. A server that has just begun to listen may still refuse single
 * requests. Rejects when it has ended, or after `timeoutMs`, with what it said last.
 */
export async function prepareServer(address: string, timeoutMs: number, isAlive: () => boolean): Promise<void> {
  await untilItWorks(timeoutMs, isAlive, () => withConnection(address, prepareNamespace));
}

async function untilItWorks(timeoutMs: number, isAlive: () => boolean, attempt: () => Promise<unknown>): Promise<void> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (!isAlive()) throw new Error('the server process ended', { cause: error });
      if (performance.now() > until) throw error;
    }
    await sleep(100);
  }
}

async function prepareNamespace(connection: Connection): Promise<void> {
  const { workflowService } = connection;
  const { config } = await workflowService.describeNamespace({ namespace: NAMESPACE });
  const wanted = msToTs(RETENTION);
  if (config?.workflowExecutionRetentionTtl?.seconds?.equals(wanted.seconds ?? 0) !== true) {
    await workflowService.updateNamespace({
      namespace: NAMESPACE,
      config: { workflowExecutionRetentionTtl: wanted },
    });
  }
  await registerSearchAttributes(connection, NAMESPACE);
}

async function withConnection<T>(address: string, use: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address, connectTimeout: '5s' });
  try {
    return await connection.withDeadline(Date.now() + ATTEMPT_MS, () => use(connection));
  } finally {
    await connection.close();
  }
}
