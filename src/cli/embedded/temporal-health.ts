import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { registerSearchAttributes } from '../compose/search-attributes.ts';

/** A review stays readable in Temporal this long after its end; the dev server's own default is one day. */
const RETENTION = '30 days';
const NAMESPACE = 'default';

/** Resolves when the server answers for the namespace. Rejects when it has ended, or after `timeoutMs`. */
export async function waitUntilServing(address: string, timeoutMs: number, isAlive: () => boolean): Promise<void> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    try {
      await withConnection(address, (connection) =>
        connection.withDeadline(Date.now() + 2_000, () =>
          connection.workflowService.describeNamespace({ namespace: NAMESPACE }),
        ),
      );
      return;
    } catch (error) {
      if (!isAlive()) throw new Error('the server process ended', { cause: error });
      if (performance.now() > until) throw new Error('no answer in time', { cause: error });
    }
    await sleep(100);
  }
}

/** Retention and search attributes; both are kept in the database file, and asking again does no harm. */
export async function prepareNamespace(address: string): Promise<void> {
  await withConnection(address, async (connection) => {
    await connection.workflowService.updateNamespace({
      namespace: NAMESPACE,
      config: { workflowExecutionRetentionTtl: msToTs(RETENTION) },
    });
    await registerSearchAttributes(connection, NAMESPACE);
  });
}

async function withConnection<T>(address: string, use: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address, connectTimeout: '2s' });
  try {
    return await use(connection);
  } finally {
    await connection.close();
  }
}
