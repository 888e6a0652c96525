import { useMutation } from '@tanstack/react-query';
import { Button } from 'react-aria-components';
import type { AuditKeys } from '../../contract/audit-query.ts';
import { client, getJson } from '../data/client.ts';
import { acceptKeys, keep, newKeys, trustFor } from './kept-trust.ts';
import { Instant } from '../ui/times.tsx';
import { TrustNote } from './trust-note.tsx';
import { words } from '../words.ts';
import { Alert } from '../ui/parts.tsx';

/** Fetches a review's proof and checks all of it here: signatures, inclusion, order, and that the votes carry the call. */
export function VerifyProof({ reviewId }: { readonly reviewId: string }) {
  const check = useMutation({ mutationFn: () => verifyHere(reviewId) });
  const accept = (): void => {
    if (check.data === undefined) return;
    const { kept, offered } = check.data;
    acceptKeys(localStorage, kept, offered);
    check.mutate();
  };
  return (
    <div className="verify">
      <Button className="button" onPress={() => check.mutate()} isDisabled={check.isPending}>
        {words.proof.verify}
      </Button>
      {check.isError && <Alert>{words.proof.failed}</Alert>}
      {check.data !== undefined && (
        <>
          <Verdict {...check.data.result} />
          <TrustNote
            since={check.data.kept.since}
            isFirst={check.data.isFirst}
            unknown={newKeys(check.data.kept, check.data.offered)}
            accept={accept}
          />
        </>
      )}
    </div>
  );
}

function Verdict({ ok, findings, entries, size, completeness }: Awaited<ReturnType<typeof verifyHere>>['result']) {
  if (ok && completeness !== null) {
    return (
      <p role="status" className="note note-good" data-verdict="ok">
        {words.proof.holds(entries, size ?? entries)} {words.proof.completeTo(completeness.n)}{' '}
        <Instant at={completeness.at} />.{entries > completeness.n && ` ${words.proof.notBeyond}`}
      </p>
    );
  }
  return (
    <div role="alert" className="note note-bad" data-verdict="failed">
      <p>{words.proof.doesNotHold}</p>
      <ul>
        {findings.map(({ code, words: text, index }) => (
          <li key={`${code} ${index}`}>
            {text}
            {index !== null && ` ${words.proof.atEntry(index)}`}
          </li>
        ))}
      </ul>
    </div>
  );
}

async function verifyHere(reviewId: string) {
  const [file, offered, { checkProof }] = await Promise.all([
    client.reviews.proof(reviewId),
    getJson<AuditKeys>('/v1/audit/keys'),
    import('./verify.ts'),
  ]);
  const { kept, isFirst } = trustFor(localStorage, offered, new Date().toISOString());
  keep(localStorage, kept);
  return { result: checkProof(file, kept.keys), kept, isFirst, offered };
}
