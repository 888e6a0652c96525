import * as client from 'openid-client';
import type { SettingsSource } from '../../domain/policy/settings.ts';
import type { SignedIn } from '../http/session.ts';
import { SignInError, type FoundProvider, type IdentityProvider } from './identity-provider.ts';

/** What the browser keeps, encrypted, between leaving for the identity provider and coming back. */
export interface OidcFlow {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly redirectUri: string;
  /** Path to go on to. */
  readonly returnTo: string;
}

/** Begins the authorization code flow with PKCE (RFC 7636). Throws {@link SignInError}. */
export async function beginOidc(
  provider: IdentityProvider,
  redirectUri: string,
  returnTo: string,
): Promise<{ readonly url: URL; readonly flow: OidcFlow }> {
  const { configuration, oidc } = await provider.find();
  const flow: OidcFlow = {
    state: client.randomState(),
    nonce: client.randomNonce(),
    codeVerifier: client.randomPKCECodeVerifier(),
    redirectUri,
    returnTo,
  };
  const url = client.buildAuthorizationUrl(configuration, {
    redirect_uri: redirectUri,
    scope: scopesOf(configuration, oidc.groupsClaim).join(' '),
    state: flow.state,
    nonce: flow.nonce,
    code_challenge: await client.calculatePKCECodeChallenge(flow.codeVerifier),
    code_challenge_method: 'S256',
  });
  return { url, flow };
}

/**
 * Ends the flow: `search` is the query with which the browser came back, and comes from whoever sent it there. Throws
 * {@link SignInError}; `not_a_reviewer` where the person is real and no reviewer of the configuration in force.
 */
export async function finishOidc(
  provider: IdentityProvider,
  settings: SettingsSource,
  flow: OidcFlow,
  search: URLSearchParams,
): Promise<SignedIn> {
  const found = await provider.find();
  const url = new URL(flow.redirectUri);
  url.search = search.toString();
  const { claims, accessToken } = await exchange(found, url, flow);
  // The subject is the identity. An e-mail address changes hands, and some providers let people claim any.
  const subject = `${claims.iss}#${claims.sub}`;
  const reviewer = settings.current().reviewers.find((candidate) => candidate.subject === subject);
  if (reviewer === undefined) throw new SignInError('not_a_reviewer');
  const { groupsClaim } = found.oidc;
  const claimedGroups = groupsClaim === undefined ? null : await groupsOf(found, groupsClaim, claims, accessToken);
  return { reviewer, method: 'oidc', claimedGroups };
}

async function exchange(found: FoundProvider, url: URL, flow: OidcFlow) {
  const redeem = () =>
    client.authorizationCodeGrant(found.configuration, url, {
      pkceCodeVerifier: flow.codeVerifier,
      expectedState: flow.state,
      expectedNonce: flow.nonce,
      idTokenExpected: true,
    });
  try {
    const tokens = await redeem().catch((error: unknown) => {
      // The code is not used up where the client was not let in.
      if (!(error instanceof client.ResponseBodyError) || error.error !== 'invalid_client') throw error;
      found.switchAuthentication();
      return redeem();
    });
    const claims = tokens.claims();
    if (claims === undefined) throw new SignInError('failed');
    return { claims, accessToken: tokens.access_token };
  } catch (error) {
    throw explain(error);
  }
}

/** A provider that answers and refuses is another matter than one that does not answer. */
function explain(error: unknown): SignInError {
  if (error instanceof SignInError) return error;
  if (error instanceof client.AuthorizationResponseError && error.error === 'access_denied') {
    return new SignInError('denied', { cause: error });
  }
  const isAway = error instanceof TypeError || (error instanceof Error && error.name === 'TimeoutError');
  const code =
    isAway || (error instanceof client.ClientError && error.code === 'OAUTH_TIMEOUT') ? 'unavailable' : 'failed';
  return new SignInError(code, { cause: error });
}

/** Some providers put groups into the ID token, some only into the user info. None told of: none. */
async function groupsOf(
  { configuration }: FoundProvider,
  claim: string,
  claims: client.IDToken,
  accessToken: string,
): Promise<readonly string[]> {
  if (claims[claim] !== undefined) return groupList(claims[claim]);
  if (configuration.serverMetadata().userinfo_endpoint === undefined) return [];
  try {
    return groupList((await client.fetchUserInfo(configuration, accessToken, claims.sub))[claim]);
  } catch (error) {
    throw explain(error);
  }
}

function groupList(value: unknown): readonly string[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.filter((group) => typeof group === 'string');
}

/** `openid`, and the scope that carries the claim where the provider has one. */
function scopesOf(configuration: client.Configuration, groupsClaim: string | undefined): readonly string[] {
  const supported = configuration.serverMetadata().scopes_supported ?? [];
  return ['openid', ...(groupsClaim !== undefined && supported.includes(groupsClaim) ? [groupsClaim] : [])];
}
