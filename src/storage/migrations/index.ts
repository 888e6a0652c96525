import { tables } from './0001-tables.ts';
import { guards } from './0002-guards.ts';
import { commit } from './0003-commit.ts';
import { reviews } from './0004-reviews.ts';
import { limits } from './0005-limits.ts';
import { proposals } from './0006-proposals.ts';
import { begin } from './0007-begin.ts';
import { freeze } from './0008-freeze.ts';
import { parts } from './0009-parts.ts';

/** In order. A migration that has been released is never edited; the next one changes what it made. */
export const MIGRATIONS: readonly { readonly name: string; readonly sql: string }[] = [
  { name: '0001-tables', sql: tables },
  { name: '0002-guards', sql: guards },
  { name: '0003-commit', sql: commit },
  { name: '0004-reviews', sql: reviews },
  { name: '0005-limits', sql: limits },
  { name: '0006-proposals', sql: proposals },
  { name: '0007-begin', sql: begin },
  { name: '0008-freeze', sql: freeze },
  { name: '0009-parts', sql: parts },
];
