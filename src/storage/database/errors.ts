import { StorageError } from '../../ports/store.ts';

/**
 * SQLSTATE classes and codes (PostgreSQL appendix A) after which nothing was written and a retry may help: connection
 * exceptions, rolled-back transactions, resources, operator intervention, lock time-outs, a read-only standby.
 */
const TRANSIENT = /^(08|40|53|57|55P03|25006|58)/;
const NETWORK = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH']);
/** What PostgreSQL says of its own files: data or index corrupted. */
const CORRUPT = /^XX00[12]/;

/**
 * The database's own text stays in `cause`, for logs; callers see a code and words of ours. Of the driver's error
 * nothing but text and SQLSTATE is kept: PGlite's also carries the parameters, which hold what agents sent.
 */
export function toStorageError(error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  const cause = Object.assign(new Error(error instanceof Error ? error.message : 'unknown'), { code: codeOf(error) });
  if (error instanceof TypeError || error instanceof RangeError) {
    return new StorageError('write_refused', 'A value cannot be stored', { cause });
  }
  const { code } = cause;
  if (code !== undefined && CORRUPT.test(code)) {
    return new StorageError('storage_corrupt', 'The database reports damage', { cause });
  }
  // An error without a SQLSTATE comes from the driver: no connection, a time-out, a connection that ended.
  if (code === undefined || !/^[0-9A-Z]{5}$/.test(code) || NETWORK.has(code) || TRANSIENT.test(code)) {
    return new StorageError('database_unavailable', 'The database cannot be reached', { cause });
  }
  return new StorageError('write_refused', 'The database refuses this statement', { cause });
}

function codeOf(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}
