import { fail, judgeClock, ok, skipped, type Finding } from './finding.ts';

/** The api: reachable, ready, and its clock. */
export async function checkApi(url: string | undefined, now: () => number): Promise<Finding[]> {
  if (url === undefined) return [skipped('api', 'no URL: pass --url or set HOLDPOINT_URL')];
  const asked = now();
  const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined);
  if (answer === undefined) {
    return [
      fail('api', `nothing answers at ${url}`, 'Start it: `npm start`, or `holdpoint api`. --url names another place.'),
    ];
  }
  const took = now() - asked;
  const body: unknown = await answer.json().catch(() => undefined);
  const date = Date.parse(answer.headers.get('date') ?? '');
  // The header has whole seconds, and the answer took its time.
  const clock = Number.isNaN(date) ? [] : [judgeClock('api clock', date, asked, took + 1_000)];
  return [describeReadiness(url, answer.ok, body), ...clock];
}

function describeReadiness(url: string, ready: boolean, body: unknown): Finding {
  const { problems } = (body ?? {}) as { readonly problems?: unknown };
  const words = Array.isArray(problems)
    ? problems.map((problem) => String((problem as { readonly message?: unknown }).message)).join('; ')
    : '';
  if (ready && words === '') return ok('api', `ready at ${url}`);
  if (ready)
    return { check: 'api', status: 'warn', message: `ready at ${url}, but: ${words}`, fix: 'See the problem named.' };
  return fail(
    'api',
    `not ready at ${url}${words === '' ? '' : `: ${words}`}`,
    'The checks below say which part is down.',
  );
}
