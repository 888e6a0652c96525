import { endpoint, type Endpoint } from '../http/endpoint.ts';
import { NO_PAGE, type DashboardPage } from '../page/dashboard.ts';

/** Where the dashboard's own router takes over; the same document everywhere. */
const PATHS = ['/', '/reviews/{reviewId}', '/group', '/audit', '/policy'];

/** Pages for people; no part of the API. The token of a sign-in link is in the fragment and never reaches a server. */
export function pageEndpoints(page: DashboardPage | undefined): Endpoint[] {
  return PATHS.map((path) =>
    endpoint<'public'>({
      method: 'get',
      path,
      tag: 'Pages',
      summary: 'Page',
      who: 'public',
      answers: { 200: { description: 'The page', contentType: 'text/html' } },
      problems: [],
      hidden: true,
      handle: () => ({ status: 200, text: page?.html ?? NO_PAGE, contentType: 'text/html; charset=utf-8' }),
    }),
  );
}
