import type { SignInErrorCode } from '../../contract/codes.ts';

/** Why somebody could not be signed in through the identity provider. Its words stay inside. */
export class SignInError extends Error {
  override readonly name = 'SignInError';
  readonly code: SignInErrorCode | 'not_configured';

  constructor(code: SignInError['code'], options?: ErrorOptions) {
    super(code, options);
    this.code = code;
  }
}
