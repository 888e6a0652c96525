import { useConnection, type Connection } from '../data/connection.ts';

const WORDS: Readonly<Record<Exclude<Connection, 'live' | 'connecting'>, string>> = {
  lost: 'Holdpoint does not answer. What you see may be old; it is read again as soon as it answers.',
  offline: 'You are offline. What you see may be old, and nothing can be decided until the network is back.',
};

/** Says that what is on the page may be old. Always in the document, so that screen readers hear it change. */
export function ConnectionNote() {
  const connection = useConnection();
  const quiet = connection === 'live' || connection === 'connecting';
  return (
    <div role="status" className={quiet ? 'connection' : 'connection connection-bad'} data-connection={connection}>
      {quiet ? '' : WORDS[connection]}
    </div>
  );
}
