import { createStore } from './store.ts';

/** Whether changes arrive: `live`; `lost`: the server does not answer; `offline`: the browser has no network. */
export type Connection = 'connecting' | 'live' | 'lost' | 'offline';

const store = createStore<Connection>('connecting');
export const { get: connection, set: setConnection, use: useConnection } = store;
