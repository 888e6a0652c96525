import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import { Shell } from './app/shell.tsx';
import { Failure } from './ui/states.tsx';
import { words } from './words.ts';
import { readFilters, type InboxFilters } from './inbox/filters.ts';

/**
 * Where views go. One folder per view (`inbox`, `review`, `group`, `audit`, `policy`, `design`), each loaded when it is first
 * opened. A view exports one component and draws inside `<main>` with one `<h1>`; it reads its address with
 * `useSearch`/`useParams` and reaches the API through `data/client.ts`. A path added here is served by
 * `src/api/routes/pages.ts` too, or reloading it answers 404.
 */
const root = createRootRoute({ component: Shell });

const inbox = createRoute({
  getParentRoute: () => root,
  path: '/',
  validateSearch: (search): InboxFilters => readFilters(search),
  component: lazyRouteComponent(() => import('./inbox/inbox.tsx'), 'Inbox'),
});

const review = createRoute({
  getParentRoute: () => root,
  path: '/reviews/$reviewId',
  component: lazyRouteComponent(() => import('./review/review-page.tsx'), 'ReviewPage'),
});

const group = createRoute({
  getParentRoute: () => root,
  path: '/group',
  /** A group is its proposer's own: another's group of the same name is another. */
  validateSearch: (search): { readonly name: string; readonly proposer?: string } => {
    const proposer = textOf(search['proposer']);
    return { name: textOf(search['name']), ...(proposer === '' ? {} : { proposer }) };
  },
  component: lazyRouteComponent(() => import('./group/group-page.tsx'), 'GroupPage'),
});

const audit = createRoute({
  getParentRoute: () => root,
  path: '/audit',
  validateSearch: textSearch,
  component: lazyRouteComponent(() => import('./audit/audit-page.tsx'), 'AuditPage'),
});

const policy = createRoute({
  getParentRoute: () => root,
  path: '/policy',
  validateSearch: textSearch,
  component: lazyRouteComponent(() => import('./policy/policy-page.tsx'), 'PolicyPage'),
});

/** For those who change the page: it stands in no menu. */
const design = createRoute({
  getParentRoute: () => root,
  path: '/design',
  component: lazyRouteComponent(() => import('./design/design-page.tsx'), 'DesignPage'),
});

export const router = createRouter({
  routeTree: root.addChildren([inbox, review, group, audit, policy, design]),
  // Plain `?name=text`: an address that a person can read and write.
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (search) => {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(search)) {
      if (typeof value === 'string' && value !== '') query.set(name, value);
    }
    const text = query.toString();
    return text === '' ? '' : `?${text}`;
  },
  defaultPreload: 'intent',
  scrollRestoration: true,
  defaultNotFoundComponent: NotFound,
  defaultErrorComponent: Broken,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
  interface HistoryState {
    /**
     * The decision that a key in the inbox asked for. Never in the address: a link from elsewhere could open the last
     * step before a yes, with the next press of Enter as the yes.
     */
    readonly asked?: 'approve' | 'edit' | 'reject' | 'revise';
  }
}

function NotFound() {
  return (
    <div className="state">
      <h1>{words.shell.noSuchPage}</h1>
      <p>
        <a href="/">{words.shell.toInbox}</a>
      </p>
    </div>
  );
}

/** A view that cannot be drawn: the frame stays, and nothing is said of what was decided. */
function Broken() {
  return <Failure what={words.shell.broken} isPage retry={() => location.reload()} />;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Whatever is in the address, as text: the view knows its own names. */
function textSearch(search: Record<string, unknown>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(search).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
