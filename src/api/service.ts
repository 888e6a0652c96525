import { loadSqlParser } from '../domain/sql/parser.ts';
import { type ServiceDeps, createContext } from './service/context.ts';
import { decide, decideMany, reconcile } from './service/decide.ts';
import { execute, executeBatch } from './service/execute.ts';
import { explain } from './service/assess.ts';
import { auditCheckpoint, auditEntries, consistencyProof, exportEntries, inclusionProofs } from './service/audit.ts';
import { proof } from './service/proof.ts';
import { revise, withdraw } from './service/propose-side.ts';
import { getReview, listReviews } from './service/read.ts';
import { watchAll, watchReview } from './service/stream.ts';
import type { GateService } from './service/types.ts';

/** The service behind every door. `start` comes before the first request. */
export function createGateService(deps: ServiceDeps): GateService {
  const context = createContext(deps);
  return {
    async start() {
      await loadSqlParser();
      await context.hub.start();
    },
    close: () => context.hub.stop(),
    execute: (principal, request, options) => execute(context, principal, request, options),
    executeBatch: (principal, request, options) => executeBatch(context, principal, request, options),
    revise: (principal, reviewId, request, caller) => revise(context, principal, reviewId, request, caller),
    withdraw: (principal, reviewId, caller) => withdraw(context, principal, reviewId, caller),
    decide: (principal, reviewId, request, caller) => decide(context, principal, reviewId, request, caller),
    decideMany: (principal, decisions, caller) => decideMany(context, principal, decisions, caller),
    reconcile: (principal, reviewId, request, caller) => reconcile(context, principal, reviewId, request, caller),
    getReview: (principal, reviewId, options) => getReview(context, principal, reviewId, options),
    listReviews: (principal, query) => listReviews(context, principal, query),
    watchReview: (principal, reviewId, after, signal) => watchReview(context, principal, reviewId, after, signal),
    watchAll: (principal, after, scan) => watchAll(context, principal, after, scan),
    explain: (principal, request) => explain(context, principal, request),
    proof: (reviewId, signal) => proof(context, reviewId, signal),
    auditEntries: (query, scan) => auditEntries(context, query, scan),
    exportEntries: (filter, scan) => exportEntries(context, filter, scan),
    inclusionProofs: (size, indices) => inclusionProofs(context, size, indices),
    consistencyProof: (from, to) => consistencyProof(context, from, to),
    auditKeys: () => ({ deploymentId: context.settings.current().deploymentId, keys: [...context.trustedKeys()] }),
    auditCheckpoint: () => auditCheckpoint(context),
  };
}
