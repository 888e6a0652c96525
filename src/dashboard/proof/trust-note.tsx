import { Button } from 'react-aria-components';
import type { TrustedKey } from '../../contract/envelope.ts';
import { Instant } from '../ui/times.tsx';

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
          'Checked with keys that this browser met just now and remembers from here on. '
        ) : (
          <>
            Checked with keys that this browser has known since <Instant at={since} />.{' '}
          </>
        )}
        For an independent check, use <code>holdpoint audit verify</code> with your own copy of the keys.
      </p>
      {unknown.length > 0 && (
        <div className="note note-warn" role="status">
          <p>
            The server offers {unknown.length === 1 ? 'a key' : `${unknown.length} keys`} that this browser does not
            know ({unknown.map(({ role, keyid }) => `${role} ${keyid}`).join(', ')}). What they signed is not believed.
            Accept them only if you know that keys were changed.
          </p>
          <Button className="button button-small" onPress={accept}>
            Accept the new keys
          </Button>
        </div>
      )}
    </>
  );
}
