import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { queryClient } from './data/query-client.ts';
import { router } from './router.tsx';
import { takeSignInToken } from './session/link-token.ts';
import { applyTheme } from './app/theme.ts';
import './styles/base.css';
import './styles/shell.css';
import './styles/parts.css';
import './styles/text.css';
import './styles/inbox.css';
import './styles/review.css';
import './styles/audit.css';

applyTheme();
// Out of the address bar and the history before anything else happens.
const token = takeSignInToken(location, history);

const place = document.getElementById('page');
if (place !== null) {
  createRoot(place).render(
    <StrictMode>
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} context={{ signInToken: token }} />
      </QueryClientProvider>
    </StrictMode>,
  );
}
