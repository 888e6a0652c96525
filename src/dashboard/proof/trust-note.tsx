import { Button } from 'react-aria-components';
import type { TrustedKey } from '../../contract/envelope.ts';
import { Instant } from '../ui/times.tsx';
import { words } from '../words.ts';

/** On whose word the check stands. */
export function TrustNote({
  since,
  isFirst,
  unknown,
  accept,
}: {
  readonly since: string;
  readonly isFirst: boolean;
  readonly unknown: readonly TrustedKey[];
  readonly accept: () => void;
}) {
  return (
    <>
      <p className="quiet small">
        {isFirst ? (
          words.proof.newKeys
        ) : (
          <>
            {words.proof.knownKeys} <Instant at={since} />.
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
