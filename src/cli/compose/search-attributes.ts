import { status } from '@grpc/grpc-js';
import { isGrpcServiceError, type Connection } from '@temporalio/client';
import { temporal } from '@temporalio/proto';

/** Registered as `Keyword` in the namespace. */
export const SEARCH_ATTRIBUTES = ['HoldpointStatus', 'HoldpointClass', 'HoldpointTool', 'HoldpointProposer'] as const;

/**
 * Registers what is missing. Must end before any worker polls: a workflow task that sets an unregistered attribute
 * fails for ever. Whoever may not register (Temporal Cloud keys without that right) gets the server's refusal.
 */
export async function registerSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  const missing = await findMissing(connection, namespace);
  if (missing.length === 0) return;
  const Keyword = temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD;
  try {
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map((name) => [name, Keyword])),
    });
  } catch (error) {
    // Another process of this deployment was faster.
    if (!isGrpcServiceError(error) || error.code !== status.ALREADY_EXISTS) throw error;
  }
}

async function findMissing(connection: Connection, namespace: string): Promise<readonly string[]> {
  try {
    const known = await connection.operatorService.listSearchAttributes({ namespace });
    return SEARCH_ATTRIBUTES.filter((name) => !(name in known.customAttributes));
  } catch (error) {
    // The time-skipping test server cannot list.
    if (isGrpcServiceError(error) && error.code === status.UNIMPLEMENTED) return SEARCH_ATTRIBUTES;
    throw error;
  }
}
