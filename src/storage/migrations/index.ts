import { tables } from './0001-tables.ts';
import { guards } from './0002-guards.ts';
import { commit } from './0003-commit.ts';
import { reviews } from './0004-reviews.ts';
import { signIn } from './0005-sign-in.ts';
import { deliveries } from './0006-deliveries.ts';
import { upstreamTools } from './0007-upstream-tools.ts';
import { claimTimes } from './0008-claim-times.ts';
import { openExecutions } from './0009-open-executions.ts';
import { mentions } from './0010-mentions.ts';
import { objections } from './0011-objections.ts';
import { recovery } from './0012-recovery.ts';
import { sensitiveCalls } from './0013-sensitive-calls.ts';
import { statements } from './0014-statements.ts';

/** In order. A migration that has been released is never edited; the next one changes what it made. */
export const MIGRATIONS: readonly { readonly name: string; readonly sql: string }[] = [
  { name: '0001-tables', sql: tables },
  { name: '0002-guards', sql: guards },
  { name: '0003-commit', sql: commit },
  { name: '0004-reviews', sql: reviews },
  { name: '0005-sign-in', sql: signIn },
  { name: '0006-deliveries', sql: deliveries },
  { name: '0007-upstream-tools', sql: upstreamTools },
  { name: '0008-claim-times', sql: claimTimes },
  { name: '0009-open-executions', sql: openExecutions },
  { name: '0010-mentions', sql: mentions },
  { name: '0011-objections', sql: objections },
  { name: '0012-recovery', sql: recovery },
  { name: '0013-sensitive-calls', sql: sensitiveCalls },
  { name: '0014-statements', sql: statements },
];
