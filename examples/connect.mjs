// Which Holdpoint the examples speak to: HOLDPOINT_URL and HOLDPOINT_API_KEY, or the demo that `npm start` runs here.
import { readFileSync } from 'node:fs';
import { Holdpoint } from '@holdpoint/client';

export function connect() {
  if (process.env.HOLDPOINT_API_KEY !== undefined) return new Holdpoint();
  const file = `${process.env.HOLDPOINT_DATA_DIR ?? '.holdpoint'}/access.json`;
  const { url, agents } = JSON.parse(readFileSync(file, 'utf8'));
  return new Holdpoint({ url, apiKey: agents[0].key });
}

/** What the scripted models propose: the first argument, or a statement that fits the demo. */
export const SQL = process.argv[2] ?? "DELETE FROM users WHERE inactive_since < '2021-06-01'";

export const HINT = 'Decide it in the dashboard, or: npx holdpoint review list --as ops-1';
