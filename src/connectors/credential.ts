import { notNow, type FailedResult } from './answer.ts';

/** A connector that cannot be built as configured. The start fails closed and prints it. */
export class ConnectorError extends Error {
  override readonly name = 'ConnectorError';
  readonly code: 'credential_missing' | 'connector_invalid';
  readonly connector: string;
  /** The `env:` or `file:` reference that did not resolve. */
  readonly reference: string | null;

  constructor(code: ConnectorError['code'], connector: string, reference: string | null, message: string) {
    super(`connector ${connector}: ${message}`);
    this.code = code;
    this.connector = connector;
    this.reference = reference;
  }
}

/**
 * What a reference of the configuration stands for, read at each use: a `file:` that was rewritten counts from the next
 * connection on. Throws a {@link ConnectorError} where it stands for nothing now, so that nothing is sent without it.
 */
export type Secret = () => string;

/** An answer to the last call may quote the credential that it was made with, however often that was replaced since. */
const REMEMBERED = 10;

/** Remembers the values that secrets had, for scrubbing. */
export class SeenSecrets {
  #values: readonly string[] = [];

  watch(secret: Secret): Secret {
    return () => this.note(secret());
  }

  note(value: string): string {
    this.#values = [value, ...this.#values.filter((other) => other !== value)].slice(0, REMEMBERED);
    return value;
  }

  values(): readonly string[] {
    return this.#values;
  }
}

/**
 * The failure of a call whose credential cannot be read now, e.g. while its file is being replaced; nothing was sent. Agents
 * read it, so it does not tell where the file is.
 */
export function credentialFailure(error: unknown): FailedResult | undefined {
  if (!(error instanceof ConnectorError)) return undefined;
  const message = `The credential file of the connector ${error.connector} is missing, empty or unreadable; nothing was sent`;
  return notNow('credential_missing', message);
}
