import * as client from 'openid-client';
import type { SignInErrorCode } from '../../contract/codes.ts';
import type { Settings, SettingsSource } from '../../domain/policy/settings.ts';

/** Seconds that one request to the provider may take. */
const TIMEOUT = 5;
/** After a failure the provider is left alone for so long, in ms. */
const PAUSE = 2_000;

type OidcConfig = NonNullable<Settings['oidc']>;

export interface FoundProvider {
  readonly oidc: OidcConfig;
  readonly configuration: client.Configuration;
  /** Sends the secret the other way from now on. */
  switchAuthentication(): void;
}

/** The identity provider of the configuration in force, found when it is first needed and again after a change. */
export interface IdentityProvider {
  /** The provider's metadata. Throws `not_configured`, or `unavailable` where it cannot be had now. */
  find(): Promise<FoundProvider>;
}

/** `resolve` gives the value of an `env:` or `file:` reference, or throws. */
export function createIdentityProvider(
  settings: SettingsSource,
  resolve: (reference: string) => string,
): IdentityProvider {
  let last: { readonly key: string; readonly found: Promise<FoundProvider>; failedAt?: number } | undefined;
  return {
    async find() {
      const { oidc } = settings.current();
      if (oidc === undefined) throw new SignInError('not_configured');
      const key = JSON.stringify(oidc);
      const isOver = last?.failedAt !== undefined && performance.now() - last.failedAt > PAUSE;
      if (last?.key !== key || isOver) {
        const attempt: typeof last = { key, found: discover(oidc, resolve) };
        attempt.found.catch(() => {
          attempt.failedAt = performance.now();
        });
        last = attempt;
      }
      return last.found;
    },
  };
}

async function discover(oidc: OidcConfig, resolve: (reference: string) => string): Promise<FoundProvider> {
  try {
    const issuer = new URL(oidc.issuer);
    const { authenticate, switchAuthentication } = bySecret(oidc.clientSecret && resolve(oidc.clientSecret));
    const configuration = await client.discovery(issuer, oidc.clientId, undefined, authenticate, {
      timeout: TIMEOUT,
      // Verifies the signature of ID tokens too, although they come straight from the provider.
      execute: [client.enableNonRepudiationChecks, ...(isLoopback(issuer) ? [client.allowInsecureRequests] : [])],
    });
    return { oidc, configuration, switchAuthentication };
  } catch (error) {
    throw new SignInError('unavailable', { cause: error });
  }
}

/**
 * How a secret is sent is registered with the client at the provider, and nobody tells us: in the header first (the
 * default of OpenID Connect), in the body once the provider has refused that.
 */
function bySecret(secret: string | undefined): {
  readonly authenticate: client.ClientAuth;
  readonly switchAuthentication: () => void;
} {
  if (secret === undefined) return { authenticate: client.None(), switchAuthentication: () => undefined };
  const [basic, post] = [client.ClientSecretBasic(secret), client.ClientSecretPost(secret)];
  let send = basic;
  return {
    authenticate: (...request) => send(...request),
    switchAuthentication: () => {
      send = send === basic ? post : basic;
    },
  };
}

function isLoopback({ hostname }: URL): boolean {
  return ['127.0.0.1', '[::1]', 'localhost'].includes(hostname);
}

/** Why the identity provider did not sign a person in. Its text is not shown to the caller. */
export class SignInError extends Error {
  override readonly name = 'SignInError';
  readonly code: SignInErrorCode | 'not_configured';

  constructor(code: SignInError['code'], options?: ErrorOptions) {
    super(code, options);
    this.code = code;
  }
}
