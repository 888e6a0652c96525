import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PGlite } from '@electric-sql/pglite';
import { stringify } from 'yaml';
import type { SignInLinks } from '../../../api/index.ts';
import type { ConfigFile } from '../../../contract/config.ts';
import { hashKey, newAgentKey, newReviewerToken } from '../../../storage/keys/index.ts';
import { writeFileAtomically } from '../../../storage/keys/key-files.ts';
import type { Access } from '../../access-file.ts';
import { signInUrl, type DataDir } from '../data-dir.ts';

/** Created once and kept in `access.json`, so that links and scripts still work after a restart. */
interface DemoPeople {
  readonly agents: Access['agents'];
  readonly reviewers: readonly Omit<Access['reviewers'][number], 'signInUrl'>[];
}

const REVIEWERS = [
  { id: 'ops-1', groups: ['ops'] },
  { id: 'ops-2', groups: ['ops'] },
  { id: 'finance-1', groups: ['finance'] },
];

/** The demo as prepared before the parts start. */
export interface Demo {
  readonly configFile: string;
  readonly people: DemoPeople;
}

/** Writes the demo's config file and fills its target database. */
export async function prepareDemo(dataDir: DataDir): Promise<Demo> {
  const people = loadDemoPeople(dataDir);
  await seedDemoTarget(dataDir.demoDatabase);
  return { configFile: writeDemoConfig(dataDir, people), people };
}

/** Issues a sign-in link per reviewer and writes `access.json`. */
export function publishAccess(
  demo: Demo,
  dataDir: DataDir,
  signIn: SignInLinks,
  at: Pick<Access, 'url' | 'temporalAddress' | 'temporalUi'>,
): Access {
  const access: Access = {
    ...at,
    agents: demo.people.agents,
    reviewers: demo.people.reviewers.map(({ id, groups, token }) => ({
      id,
      groups,
      token,
      signInUrl: signInUrl(at.url, signIn.issue(id)),
    })),
  };
  writeFileAtomically(dataDir.access, `${JSON.stringify(access, null, 2)}\n`, 0o600);
  return access;
}

function loadDemoPeople(dataDir: DataDir): DemoPeople {
  try {
    const { agents, reviewers } = JSON.parse(readFileSync(dataDir.access, 'utf8')) as DemoPeople;
    if (agents.length === 1 && reviewers.length === REVIEWERS.length) return { agents, reviewers };
  } catch {
    // First start, or the file was changed: create new secrets.
  }
  return {
    agents: [{ id: 'demo-agent', key: newAgentKey() }],
    reviewers: REVIEWERS.map((reviewer) => ({ ...reviewer, token: newReviewerToken() })),
  };
}

/** Writes the demo's config file into the data directory and returns its path. It is read like a user's own. */
function writeDemoConfig(dataDir: DataDir, people: DemoPeople): string {
  const config: ConfigFile = {
    agents: people.agents.map(({ id, key }) => ({ id, keySha256: hashKey(key) })),
    reviewers: people.reviewers.map(({ id, groups, token }) => ({
      id,
      groups: [...groups],
      tokenSha256: hashKey(token),
    })),
    operators: ['ops'],
    policy: fileURLToPath(new URL('./policy.yaml', import.meta.url)),
    connectors: { postgres: { url: `pglite:${dataDir.demoDatabase}` } },
  };
  const path = join(dataDir.path, 'demo-holdpoint.yaml');
  const text = `# Written by the demo at every start; your own holdpoint.yaml takes precedence.\n${stringify(config)}`;
  writeFileAtomically(path, text, 0o600);
  return path;
}

/**
 * Fills the demo's target database, once. It is separate from Holdpoint's: an approved call must not be able to touch the
 * ledger. Must finish before the connector opens the directory, which PGlite does not lock.
 */
export async function seedDemoTarget(directory: string): Promise<void> {
  const marker = `${directory}.seeded`;
  if (existsSync(marker)) return;
  const db = await PGlite.create(directory);
  try {
    // A start that was killed midway left either no table or a full one.
    const { rows } = await db.query<{ there: boolean }>(`SELECT to_regclass('users') IS NOT NULL AS there`);
    if (rows[0]?.there !== true) await db.exec(readFileSync(new URL('./users.sql', import.meta.url), 'utf8'));
  } finally {
    await db.close();
  }
  writeFileSync(marker, '');
}
