import { endpoint, type Endpoint } from '../http/endpoint.ts';
import { HOME_CSS, HOME_HTML, HOME_SCRIPT } from '../page/home.ts';

/** Pages for people; no part of the API. The token of a sign-in link is in the fragment and never reaches a server. */
export function pageEndpoints(): Endpoint[] {
  return [
    file('/', 'text/html', HOME_HTML),
    file('/reviews/{reviewId}', 'text/html', HOME_HTML),
    file('/home.css', 'text/css', HOME_CSS),
    file('/home.js', 'text/javascript', HOME_SCRIPT),
  ];
}

function file(path: string, type: string, text: string): Endpoint {
  return endpoint<'public'>({
    method: 'get',
    path,
    tag: 'Pages',
    summary: 'Page',
    who: 'public',
    answers: { 200: { description: 'The page', contentType: type } },
    problems: [],
    hidden: true,
    handle: () => ({ status: 200, text, contentType: `${type}; charset=utf-8` }),
  });
}
