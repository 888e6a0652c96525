import { useSyncExternalStore } from 'react';

/** Whether changes arrive: `live`; `lost`: the server does not answer; `offline`: the browser has no network. */
export type Connection = 'connecting' | 'live' | 'lost' | 'offline';

let current: Connection = 'connecting';
const listeners = new Set<() => void>();

export function setConnection(next: Connection): void {
  if (next === current) return;
  current = next;
  for (const listener of listeners) listener();
}

export function connection(): Connection {
  return current;
}

export function useConnection(): Connection {
  return useSyncExternalStore(subscribe, connection);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}
