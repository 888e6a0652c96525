import { status } from '@grpc/grpc-js';
import { isGrpcServiceError, type Connection } from '@temporalio/client';
import { searchAttributeNames } from '../../workflows/messages.ts';
import { StartError } from '../start-error.ts';

/** `temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD`. */
const KEYWORD = 2;
/** Columns that a namespace has for them in PostgreSQL, MySQL and SQLite (https://docs.temporal.io/search-attribute). */
const KEYWORD_SLOTS = 10;

interface SearchAttributesState {
  readonly missing: readonly string[];
  /** Registered with a type that no workflow of Holdpoint can set. */
  readonly mistyped: readonly string[];
  /** How many more Keyword attributes the namespace takes; Infinity: not known. */
  readonly free: number;
}

/** What a namespace lacks. Rejects where the server does not list its attributes to these credentials. */
export async function inspectSearchAttributes(
  { operatorService }: Pick<Connection, 'operatorService'>,
  namespace: string,
): Promise<SearchAttributesState> {
  const { customAttributes, storageSchema } = await operatorService.listSearchAttributes({ namespace });
  const types: Readonly<Record<string, number>> = customAttributes;
  const used = Object.values(types).filter((type) => type === KEYWORD).length;
  return {
    missing: searchAttributeNames().filter((name) => !(name in types)),
    mistyped: searchAttributeNames().filter((name) => (types[name] ?? KEYWORD) !== KEYWORD),
    // Elasticsearch, which has no such columns, tells its mapping.
    free: Object.keys(storageSchema).length > 0 ? Number.POSITIVE_INFINITY : Math.max(0, KEYWORD_SLOTS - used),
  };
}

/** Why the attributes cannot be registered, and what to do; undefined: they can, or are. */
export function explainUnregistrable(
  { missing, mistyped, free }: SearchAttributesState,
  namespace: string,
): { readonly message: string; readonly fix: string } | undefined {
  const remove = `temporal operator search-attribute remove --namespace ${namespace} --name`;
  const own = 'set TEMPORAL_NAMESPACE to a namespace of its own';
  const [wrong] = mistyped;
  if (wrong !== undefined) {
    return {
      message: `${mistyped.join(', ')} must be of type Keyword in namespace ${namespace}, but is of another`,
      fix: `Remove it (${remove} ${wrong}), or ${own}`,
    };
  }
  if (missing.length <= free) return undefined;
  return {
    message: `namespace ${namespace} has room for ${free} more search attributes of type Keyword (of ${KEYWORD_SLOTS}), and Holdpoint needs ${missing.length}: ${missing.join(', ')}`,
    fix: `Remove some that are no longer used (${remove} <name>), or ${own}`,
  };
}

/**
 * Registers what is missing. Must end before any worker polls: a workflow task that sets an unregistered attribute
 * fails for ever. Credentials that may not register (Temporal Cloud keys without that right) get the server's refusal.
 *
 * @throws StartError `temporal_unavailable` where the namespace cannot take them
 */
export async function registerSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  const state = await inspectSearchAttributes(connection, namespace).catch((error: unknown) => {
    // The time-skipping test server cannot list.
    if (!isGrpcServiceError(error) || error.code !== status.UNIMPLEMENTED) throw error;
    return { missing: searchAttributeNames(), mistyped: [], free: Number.POSITIVE_INFINITY };
  });
  const problem = explainUnregistrable(state, namespace);
  if (problem !== undefined) throw new StartError('temporal_unavailable', `${problem.message}. ${problem.fix}.`);
  if (state.missing.length === 0) return;
  try {
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(state.missing.map((name) => [name, KEYWORD])),
    });
  } catch (error) {
    // Another process of this deployment was faster.
    if (!isGrpcServiceError(error) || error.code !== status.ALREADY_EXISTS) throw error;
  }
}
