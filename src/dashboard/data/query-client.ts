import { QueryClient } from '@tanstack/react-query';

/** The client retries by itself what may be tried again; the stream says when something has changed. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: { retry: false, staleTime: 30_000, refetchOnWindowFocus: false, refetchOnReconnect: true },
    mutations: { retry: false, networkMode: 'always' },
  },
});
