import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import type { ConfigFile } from '../../../contract/config.ts';
import type { DataDir } from '../data-dir.ts';

/** `access.json`: who the demo's people are and what they sign in with. Demo only: real configs hold hashes. */
export interface DemoAccess {
  readonly url: string;
  readonly temporalAddress: string;
  readonly temporalUi: string | null;
  readonly agents: readonly { readonly id: string; readonly key: string }[];
  readonly reviewers: readonly DemoReviewer[];
}
export interface DemoReviewer {
  readonly id: string;
  readonly groups: readonly string[];
  readonly token: string;
  readonly signInUrl: string;
}

/** Secrets of the demo; made once, kept in `access.json`, so that a link or a script works again after a restart. */
export interface DemoPeople {
  readonly agents: DemoAccess['agents'];
  readonly reviewers: readonly Omit<DemoReviewer, 'signInUrl'>[];
}

const REVIEWERS = [
  { id: 'ops-1', groups: ['ops'] },
  { id: 'ops-2', groups: ['ops'] },
  { id: 'finance-1', groups: ['finance'] },
];

export function loadDemoPeople(dataDir: DataDir): DemoPeople {
  try {
    const { agents, reviewers } = JSON.parse(readFileSync(dataDir.access, 'utf8')) as DemoPeople;
    if (agents.length === 1 && reviewers.length === REVIEWERS.length) return { agents, reviewers };
  } catch {
    // A first start, or a file that somebody has changed: new secrets.
  }
  return {
    agents: [{ id: 'demo-agent', key: newSecret('hpk_') }],
    reviewers: REVIEWERS.map((reviewer) => ({ ...reviewer, token: newSecret('hpr_') })),
  };
}

/** Writes `access.json` in one step, readable for its owner alone. */
export function writeDemoAccess(dataDir: DataDir, access: DemoAccess): void {
  writeFileSync(`${dataDir.access}.new`, `${JSON.stringify(access, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${dataDir.access}.new`, dataDir.access);
}

/**
 * Writes the demo's config file into the data directory and returns its path. It is read by the same code as a user's
 * own, and shows what one looks like.
 */
export function writeDemoConfig(dataDir: DataDir, people: DemoPeople): string {
  const config: ConfigFile = {
    agents: people.agents.map(({ id, key }) => ({ id, keySha256: sha256(key) })),
    reviewers: people.reviewers.map(({ id, groups, token }) => ({
      id,
      groups: [...groups],
      tokenSha256: sha256(token),
    })),
    policy: fileURLToPath(new URL('./policy.yaml', import.meta.url)),
    connectors: { postgres: { url: `pglite:${dataDir.demoDatabase}` } },
  };
  const path = join(dataDir.path, 'demo-holdpoint.yaml');
  const text = `# Written by the demo at every start; a holdpoint.yaml of your own takes its place.\n${stringify(config)}`;
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return path;
}

function newSecret(prefix: 'hpk_' | 'hpr_'): string {
  return prefix + randomBytes(32).toString('base64url');
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
