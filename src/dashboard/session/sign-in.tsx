import { useState } from 'react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Button, Form, Input, Label, TextField } from 'react-aria-components';
import { SIGN_IN_ERRORS } from '../../contract/codes.ts';
import type { SignInWays } from '../../contract/api.ts';
import { getJson } from '../data/client.ts';
import { Visible } from '../ui/visible.tsx';
import { words } from '../words.ts';
import { signIn, startSession } from './session.ts';
import { Alert } from '../ui/parts.tsx';

export type LinkProblem = keyof typeof words.session.link;

interface SignInProps {
  readonly linkProblem: LinkProblem | undefined;
  /** Whose session has ended without their doing. */
  readonly ended: string | undefined;
}

/** Shown instead of any page while not signed in; the URL stays, so that a link still works after sign-in. */
export function SignIn({ linkProblem, ended }: SignInProps) {
  const queries = useQueryClient();
  const [token, setToken] = useState('');
  const attempt = useMutation({
    mutationFn: signIn,
    onSuccess: (session) => {
      setToken('');
      if (session !== undefined) startSession(queries, session);
    },
  });
  const refused = attempt.isSuccess && attempt.data === undefined;
  return (
    <main className="sign-in" id="main">
      <h1>{words.session.signInTo}</h1>
      {ended !== undefined && (
        <p role="status" className="note">
          <Visible text={words.session.ended(ended)} />
        </p>
      )}
      {linkProblem !== undefined && <Alert>{words.session.link[linkProblem]}</Alert>}
      <OidcButton />
      <Form
        onSubmit={(event) => {
          event.preventDefault();
          attempt.mutate(token.trim());
        }}
      >
        <TextField value={token} onChange={setToken} type="password" autoComplete="off" isRequired>
          <Label>{words.session.token}</Label>
          <Input placeholder={words.session.tokenExample} />
        </TextField>
        <Button type="submit" className="button button-main" isDisabled={attempt.isPending}>
          {words.session.signIn}
        </Button>
      </Form>
      {refused && <Alert>{words.session.tokenRefused}</Alert>}
      {attempt.isError && <Alert>{words.session.unreachable}</Alert>}
      <p className="quiet">{words.session.whereLinks}</p>
    </main>
  );
}

/** Why sign-in at the identity provider failed; read when the page opens, because the router only keeps its own parameters. */
const failed = new URLSearchParams(location.search).get('signInError');

/** Sign-in through an identity provider, if one is configured. */
function OidcButton() {
  const ways = useQuery({
    queryKey: ['sign-in-ways'] as const,
    queryFn: () => getJson<SignInWays>('/v1/session/ways'),
  }).data;
  const oidc = ways?.oidc ?? null;
  const problem =
    failed !== null && Object.hasOwn(SIGN_IN_ERRORS, failed)
      ? SIGN_IN_ERRORS[failed as keyof typeof SIGN_IN_ERRORS]
      : undefined;
  return (
    <>
      {problem !== undefined && <Alert>{words.session.notSignedIn(problem)}</Alert>}
      {oidc !== null && (
        <a
          className="button button-main"
          href={`${oidc.start}?${new URLSearchParams({ returnTo: here() }).toString()}`}
        >
          {words.session.signInWith(new URL(oidc.issuer).host)}
        </a>
      )}
    </>
  );
}

/** The longest `returnTo` that the api accepts. */
const LONGEST = 1_000;

/** Where to continue afterwards: the requested page. */
function here(): string {
  const query = new URLSearchParams(location.search);
  query.delete('signInError');
  const text = query.toString();
  const address = `${location.pathname}${text === '' ? '' : `?${text}`}`;
  return address.length <= LONGEST ? address : location.pathname;
}
