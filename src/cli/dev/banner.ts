import { join } from 'node:path';
import type { Access } from '../access-file.ts';

export interface BannerInput {
  readonly url: string;
  readonly temporalUi: string | null;
  readonly dataDir: string;
  /** Null with the user's own config file. */
  readonly access: Access | null;
  /** One for each reviewer, valid once, for ten minutes. */
  readonly links: readonly SignInLink[];
  readonly configFile: string;
}

type SignInLink = Pick<Access['reviewers'][number], 'id' | 'groups' | 'signInUrl'>;
/** For the others there is `holdpoint sign-in-link`. */
const MOST_LINKS = 20;

/** What `npm start` prints once everything is ready. */
export function renderBanner(input: BannerInput): readonly string[] {
  const { url, temporalUi, dataDir, access, links, configFile } = input;
  return [
    '',
    'Holdpoint is ready.',
    '',
    `  Reviews       ${url}/`,
    `  API           ${url}/docs`,
    ...(temporalUi === null ? [] : [`  Temporal      ${temporalUi}`]),
    `  Config        ${configFile}`,
    `  Log           ${join(dataDir, 'holdpoint.log')}`,
    ...(access === null
      ? []
      : [
          '',
          'No holdpoint.yaml here, so this is the demo: a PostgreSQL with 10,000 users, an agent, three reviewers.',
          'For a service of your own: npx holdpoint init (docs/first-service.md)',
        ]),
    ...renderLinks(links),
    ...(access === null ? [] : renderDemo(access, dataDir)),
    '',
    'One process under one user is not a boundary: other programs of this user can read the keys in',
    `${dataDir}. In production, run the execute worker separately (docker-compose.yml).`,
    '',
  ];
}

function renderLinks(links: readonly SignInLink[]): readonly string[] {
  if (links.length === 0) return [];
  const shown = links.slice(0, MOST_LINKS);
  const names = shown.map(({ id, groups }) => [id, groups.join(', ')] as const);
  const [first, second] = [0, 1].map((column) => Math.max(...names.map((row) => (row[column] ?? '').length))) as [
    number,
    number,
  ];
  return [
    '',
    'Sign in (each link works once, for ten minutes; get another with holdpoint sign-in-link <reviewer>):',
    '',
    ...shown.map(
      ({ id, groups, signInUrl }) => `  ${id.padEnd(first)}  ${groups.join(', ').padEnd(second)}  ${signInUrl}`,
    ),
    ...(links.length > shown.length ? [`  and ${links.length - shown.length} more reviewers`] : []),
  ];
}

function renderDemo(access: Access, dataDir: string): readonly string[] {
  return [
    '',
    'Propose a call as the agent (nothing is deleted until a reviewer approves it):',
    '',
    `  curl -s ${access.url}/v1/execute \\`,
    `    -H 'Authorization: Bearer ${access.agents[0]?.key ?? ''}' -H 'Content-Type: application/json' \\`,
    `    -d '${EXAMPLE}'`,
    '',
    'Or take the tour in another terminal: npm run demo',
    `Keys and tokens: ${join(dataDir, 'access.json')}`,
  ];
}

/** Contains no single quotes, because a shell command wraps it in them. */
const EXAMPLE = JSON.stringify({
  service: 'postgres',
  tool: 'postgres.execute',
  arguments: { sql: 'DELETE FROM users WHERE inactive_since < $1', params: ['2024-01-01'] },
});
