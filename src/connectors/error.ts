/** A connector that cannot be built as configured. The start fails closed and prints it. */
export class ConnectorError extends Error {
  readonly code: 'credential_missing' | 'connector_invalid';
  readonly connector: string;
  /** The `env:` or `file:` reference that did not resolve. */
  readonly reference: string | null;

  constructor(code: ConnectorError['code'], connector: string, reference: string | null, message: string) {
    super(message);
    this.name = 'ConnectorError';
    this.code = code;
    this.connector = connector;
    this.reference = reference;
  }
}
