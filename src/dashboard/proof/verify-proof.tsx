import { useMutation } from '@tanstack/react-query';
import { Button } from 'react-aria-components';
import type { AuditKeys } from '../../contract/audit-query.ts';
import { client, getJson } from '../data/client.ts';
import { acceptKeys, keep, newKeys, trustFor } from './kept-trust.ts';
import { Instant } from '../ui/times.tsx';
import { TrustNote } from './trust-note.tsx';

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
        Verify the proof here
      </Button>
      {check.isError && (
        <p role="alert" className="note note-bad">
          The proof could not be read. Its checkpoint comes a moment after the entries; try again shortly.
        </p>
      )}
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
        The proof holds: {entries} entries are in the log of {size} entries that a trusted key signed, every envelope is
        genuine, and the votes on record carry what was done. It is complete as of entry {completeness.n},{' '}
        <Instant at={completeness.at} />
        {entries > completeness.n && '; nothing vouches for what follows'}.
      </p>
    );
  }
  return (
    <div role="alert" className="note note-bad" data-verdict="failed">
      <p>The proof does not hold:</p>
      <ul>
        {findings.map(({ code, words, index }) => (
          <li key={`${code} ${index}`}>
            {words}
            {index === null ? '' : ` (entry ${index})`}
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
