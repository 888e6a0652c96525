import { useState } from 'react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Form, Input, Label, TextField } from 'react-aria-components';
import { OidcButton } from './oidc-button.tsx';
import { sessionQuery, signIn } from './session.ts';

/** Shown instead of any page while not signed in; the URL stays, so that a link still works after sign-in. */
export function SignIn({ linkFailed }: { readonly linkFailed: boolean }) {
  const queries = useQueryClient();
  const [token, setToken] = useState('');
  const attempt = useMutation({
    mutationFn: signIn,
    onSuccess: (session) => {
      setToken('');
      if (session !== undefined) queries.setQueryData(sessionQuery.queryKey, session);
    },
  });
  const refused = attempt.isSuccess && attempt.data === undefined;
  return (
    <main className="sign-in" id="main">
      <h1>Sign in to Holdpoint</h1>
      {linkFailed && (
        <p role="alert" className="note note-bad">
          This link was used before or is too old. Ask for a new one, or sign in another way.
        </p>
      )}
      <OidcButton />
      <Form
        onSubmit={(event) => {
          event.preventDefault();
          attempt.mutate(token.trim());
        }}
      >
        <TextField value={token} onChange={setToken} type="password" autoComplete="off" isRequired>
          <Label>Reviewer token</Label>
          <Input placeholder="hpr_…" />
        </TextField>
        <Button type="submit" className="button button-main" isDisabled={attempt.isPending}>
          Sign in
        </Button>
      </Form>
      {refused && (
        <p role="alert" className="note note-bad">
          This token is not valid.
        </p>
      )}
      {attempt.isError && (
        <p role="alert" className="note note-bad">
          Holdpoint could not be reached. Nothing was sent twice; try again.
        </p>
      )}
      <p className="quiet">Holdpoint prints a sign-in link for each reviewer when all of it starts on one machine.</p>
    </main>
  );
}
