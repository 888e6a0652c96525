import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { router } from './router.tsx';
import { watchForSignInLinks } from './session/session.ts';
import { applyTheme } from './app/preferences.ts';
import './styles/tokens.css';
import './styles/fonts.css';
import './styles/base.css';
import './styles/shell.css';
import './styles/parts.css';
import './styles/text.css';
import './styles/inbox.css';
import './styles/group.css';
import './styles/review.css';
import './styles/audit.css';
import './styles/policy.css';
import './styles/design.css';

/** The client retries by itself; the stream says when something has changed. */
const queryClient = new QueryClient({
  defaultOptions: {
    queries: { retry: false, staleTime: 30_000, refetchOnWindowFocus: false, refetchOnReconnect: true },
    mutations: { retry: false, networkMode: 'always' },
  },
});

applyTheme();
// Out of the address bar and the history before anything else happens.
watchForSignInLinks();

const place = document.getElementById('page');
if (place !== null) {
  createRoot(place).render(
    <StrictMode>
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </StrictMode>,
  );
}
