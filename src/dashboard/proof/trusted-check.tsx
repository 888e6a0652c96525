import type { ReactNode } from 'react';
import { useMutation } from '@tanstack/react-query';
import { Button } from 'react-aria-components';
import type { AuditKeys } from '../../contract/audit-query.ts';
import { Alert } from '../ui/parts.tsx';
import { Instant } from '../ui/times.tsx';
import { words } from '../words.ts';
import { acceptKeys, newKeys, type KeptTrust } from './kept-trust.ts';

/** On whose word a check stands. */
interface Trust {
  readonly kept: KeptTrust;
  readonly isFirst: boolean;
  readonly offered: AuditKeys;
}

interface CheckProps<Found extends Trust> {
  readonly button: string;
  readonly failed: string;
  readonly check: () => Promise<Found>;
  readonly children: (found: Found) => ReactNode;
}

/** Checks something when it is asked to, with the keys that this browser trusts, and asks a person about others. */
export function TrustedCheck<Found extends Trust>({ button, failed, check, children }: CheckProps<Found>) {
  const { data, isPending, isError, mutate } = useMutation({ mutationFn: check });
  return (
    <div className="verify">
      <Button className="button" onPress={() => mutate()} isDisabled={isPending}>
        {button}
      </Button>
      {isError && <Alert>{failed}</Alert>}
      {data !== undefined && (
        <>
          {children(data)}
          <TrustNote
            trust={data}
            accept={() => {
              acceptKeys(localStorage, data.kept, data.offered);
              mutate();
            }}
          />
        </>
      )}
    </div>
  );
}

function TrustNote({ trust, accept }: { readonly trust: Trust; readonly accept: () => void }) {
  const { kept, isFirst, offered } = trust;
  const unknown = newKeys(kept, offered);
  return (
    <>
      <p className="quiet small">
        {isFirst ? (
          words.proof.newKeys
        ) : (
          <>
            {words.proof.knownKeys} <Instant at={kept.since} />.
          </>
        )}{' '}
        {words.proof.independent}
      </p>
      {unknown.length > 0 && (
        <div className="note note-warn" role="status">
          <p>{words.proof.unknownKeys(unknown.map(({ role, keyid }) => `${role} ${keyid}`).join(', '))}</p>
          <Button className="button button-small" onPress={accept}>
            {words.proof.acceptKeys}
          </Button>
        </div>
      )}
    </>
  );
}
