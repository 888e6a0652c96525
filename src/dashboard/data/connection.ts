import { serverNow } from './clock.ts';
import { createStore } from './store.ts';

/** Whether changes arrive: `live`; `lost`: the server does not answer; `offline`: the browser has no network. */
export type Connection = 'connecting' | 'live' | 'lost' | 'offline';

const store = createStore<Connection>('connecting');
export const { get: connection, use: useConnection } = store;
let since = serverNow();

export function setConnection(next: Connection): void {
  // `live` again and again: what is shown is from the last of these moments.
  if (next === 'live' || store.get() === 'live') since = serverNow();
  store.set(next);
}

/** Epoch ms: what the page shows while changes do not arrive is from then. */
export function staleSince(): number {
  return since;
}
