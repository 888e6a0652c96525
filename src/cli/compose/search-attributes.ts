import { status } from '@grpc/grpc-js';
import { isGrpcServiceError, type Connection } from '@temporalio/client';

/** Registered as `Keyword` in the namespace. */
export const SEARCH_ATTRIBUTES = ['HoldpointStatus', 'HoldpointClass', 'HoldpointTool', 'HoldpointProposer'] as const;

/** `temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD`. */
const KEYWORD = 2;

/**
 * Registers what is missing. Must end before any worker polls: a workflow task that sets an unregistered attribute
 * fails for ever. Whoever may not register (Temporal Cloud keys without that right) gets the server's refusal.
 */
export async function registerSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  const missing = await findMissing(connection, namespace);
  if (missing.length === 0) return;
  try {
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map((name) => [name, KEYWORD])),
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
