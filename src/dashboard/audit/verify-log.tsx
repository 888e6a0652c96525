import { useMutation, useQuery } from '@tanstack/react-query';
import { Button } from 'react-aria-components';
import type { CheckpointResponse } from '../../contract/api.ts';
import type { IndexedEntry } from '../../contract/audit.ts';
import { getJson } from '../data/client.ts';
import { acceptKeys } from '../proof/kept-trust.ts';
import { TrustNote } from '../proof/trust-note.tsx';
import { Instant } from '../ui/times.tsx';
import { checkLog, type LogCheck } from './check-log.ts';

/** The latest checkpoint, and whether the log holds what it promises. */
export function VerifyLog({ shown }: { readonly shown: readonly IndexedEntry[] }) {
  const checkpoint = useQuery({
    queryKey: ['checkpoint'] as const,
    queryFn: () => getJson<CheckpointResponse>('/v1/audit/checkpoint'),
  }).data;
  const check = useMutation({ mutationFn: () => checkLog(shown) });
  const accept = (): void => {
    if (check.data === undefined) return;
    acceptKeys(localStorage, check.data.kept, check.data.offered);
    check.mutate();
  };
  return (
    <section className="card" aria-labelledby="checkpoint">
      <h2 id="checkpoint">Checkpoint</h2>
      {checkpoint === undefined ? (
        <p className="quiet">None has been signed yet, or it could not be read.</p>
      ) : (
        <details>
          <summary>Signed over {checkpoint.size} entries</summary>
          <pre tabIndex={0} role="region" aria-label="Signed checkpoint">
            {checkpoint.checkpoint}
          </pre>
        </details>
      )}
      <p className="buttons">
        <Button className="button" onPress={() => check.mutate()} isDisabled={check.isPending}>
          Verify the log here
        </Button>
      </p>
      {check.isError && (
        <p role="alert" className="note note-bad">
          The check could not be made: a checkpoint or a proof could not be read. Nothing is proven or disproven.
        </p>
      )}
      {check.data !== undefined && (
        <>
          <Findings check={check.data} />
          <TrustNote
            since={check.data.kept.since}
            isFirst={check.data.isFirst}
            unknown={check.data.unknownKeys}
            accept={accept}
          />
        </>
      )}
    </section>
  );
}

function Findings({ check }: { readonly check: LogCheck }) {
  const { root, extendsKept, covered, missing, size } = check;
  const isGood = root !== null && extendsKept?.ok !== false && missing.length === 0;
  return (
    <div
      className={`note ${isGood ? 'note-good' : 'note-bad'}`}
      role={isGood ? 'status' : 'alert'}
      data-verdict={isGood ? 'ok' : 'failed'}
    >
      <ul className="findings">
        <li>
          {root === null
            ? 'No key that this browser trusts signed the checkpoint. Nothing else was checked.'
            : `The checkpoint over ${size} entries is signed by a trusted key.`}
        </li>
        {root !== null && extendsKept === null && (
          <li>This browser kept no earlier checkpoint to compare with; it does now.</li>
        )}
        {extendsKept !== null && (
          <li>
            {extendsKept.ok
              ? `The log begins with all ${extendsKept.size} entries that this browser verified on `
              : `The log does not begin with the ${extendsKept.size} entries that this browser verified on `}
            <Instant at={extendsKept.at} />.
          </li>
        )}
        {root !== null && (
          <li>
            {missing.length === 0
              ? `All ${covered} entries shown below that it covers are in the log, unchanged.`
              : `Not in the log as shown: ${missing.map((index) => `#${index}`).join(', ')}.`}
          </li>
        )}
      </ul>
    </div>
  );
}
