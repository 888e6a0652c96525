export type KeyErrorCode =
  | 'key_missing'
  | 'key_invalid'
  | 'key_insecure'
  | 'key_not_trusted'
  | 'trust_missing'
  | 'trust_invalid'
  | 'reference_missing';

/** Keys that cannot be used. The message is for the operator, ends in what to do, and never holds a key. */
export class KeyError extends Error {
  override readonly name = 'KeyError';
  readonly code: KeyErrorCode;
  constructor(code: KeyErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
