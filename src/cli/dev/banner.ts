import { join } from 'node:path';
import type { DemoAccess } from '../embedded/demo/people.ts';

export interface BannerInput {
  readonly url: string;
  readonly temporalUi: string | null;
  readonly dataDir: string;
  /** Null: a config file of one's own is in force. */
  readonly access: DemoAccess | null;
  readonly configFile: string;
}

/** What a start prints once everything answers. */
export function renderBanner(input: BannerInput): readonly string[] {
  const { url, temporalUi, dataDir, access, configFile } = input;
  return [
    '',
    'Holdpoint is ready.',
    '',
    `  Reviews       ${url}/`,
    `  API           ${url}/docs`,
    ...(temporalUi === null ? [] : [`  Temporal      ${temporalUi}`]),
    `  Config        ${configFile}`,
    `  Log           ${join(dataDir, 'holdpoint.log')}`,
    ...(access === null ? [] : renderDemo(access, dataDir)),
    '',
    'One process under one user is no boundary: whatever else runs as this user can read the keys in',
    `${dataDir}. In production the execute worker runs apart (docker-compose.yml).`,
    '',
  ];
}

function renderDemo(access: DemoAccess, dataDir: string): readonly string[] {
  const width = Math.max(...access.reviewers.map(({ id }) => id.length));
  return [
    '',
    'No holdpoint.yaml here, so this is the demo: 10,000 users in a PostgreSQL of its own, an agent, three reviewers.',
    'Sign in (each link once, within ten minutes):',
    '',
    ...access.reviewers.map(
      ({ id, groups, signInUrl }) => `  ${id.padEnd(width)}  ${groups.join(', ').padEnd(8)}${signInUrl}`,
    ),
    '',
    'Propose a call as the agent (nothing is deleted until somebody says yes):',
    '',
    `  curl -s ${access.url}/v1/execute \\`,
    `    -H 'Authorization: Bearer ${access.agents[0]?.key ?? ''}' -H 'Content-Type: application/json' \\`,
    `    -d '${EXAMPLE}'`,
    '',
    'Or take the tour in another terminal: npm run demo',
    `Keys and tokens: ${join(dataDir, 'access.json')}`,
  ];
}

/** No single quotes inside: it stands between them in a shell. */
const EXAMPLE = JSON.stringify({
  service: 'postgres',
  tool: 'postgres.execute',
  arguments: { sql: 'DELETE FROM users WHERE inactive_since < $1', params: ['2024-01-01'] },
});
