import { useQuery } from '@tanstack/react-query';
import { SIGN_IN_ERRORS } from '../../contract/codes.ts';
import type { SignInWays } from '../../contract/api.ts';
import { getJson } from '../data/client.ts';

/** What an identity provider's answer came to; taken when the page opens, because the router keeps its own names alone. */
const failed = new URLSearchParams(location.search).get('signInError');

/** Sign-in through an identity provider, where one is configured. */
export function OidcButton() {
  const ways = useQuery({
    queryKey: ['sign-in-ways'] as const,
    queryFn: () => getJson<SignInWays>('/v1/session/ways'),
  }).data;
  const oidc = ways?.oidc ?? null;
  const words =
    failed !== null && Object.hasOwn(SIGN_IN_ERRORS, failed)
      ? SIGN_IN_ERRORS[failed as keyof typeof SIGN_IN_ERRORS]
      : undefined;
  return (
    <>
      {words !== undefined && (
        <p role="alert" className="note note-bad">
          {words}. You are not signed in.
        </p>
      )}
      {oidc !== null && (
        <a
          className="button button-main"
          href={`${oidc.start}?${new URLSearchParams({ returnTo: here() }).toString()}`}
        >
          Sign in with {new URL(oidc.issuer).host}
        </a>
      )}
    </>
  );
}

/** The longest `returnTo` that the api takes. */
const LONGEST = 1_000;

/** Where to go on afterwards: what was asked for. */
function here(): string {
  const query = new URLSearchParams(location.search);
  query.delete('signInError');
  const text = query.toString();
  const address = `${location.pathname}${text === '' ? '' : `?${text}`}`;
  return address.length <= LONGEST ? address : location.pathname;
}
