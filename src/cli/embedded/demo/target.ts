import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { PGlite } from '@electric-sql/pglite';

/**
 * Fills the demo's target database, once. Its own database and not Holdpoint's: what an approved call does there must not
 * be able to touch the ledger. Must end before the connector opens the directory: PGlite does not lock it.
 */
export async function seedDemoTarget(directory: string): Promise<void> {
  const marker = `${directory}.seeded`;
  if (existsSync(marker)) return;
  const db = await PGlite.create(directory);
  try {
    // A start that was killed in between left either no table or a full one.
    const { rows } = await db.query<{ there: boolean }>(`SELECT to_regclass('users') IS NOT NULL AS there`);
    if (rows[0]?.there !== true) await db.exec(readFileSync(new URL('./users.sql', import.meta.url), 'utf8'));
  } finally {
    await db.close();
  }
  writeFileSync(marker, '');
}
