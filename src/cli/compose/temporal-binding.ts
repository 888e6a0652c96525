import { UNSETTLED_STATES, type RecoveryStore, type TemporalIdentity } from '../../ports/recovery.ts';
import { StartError } from '../start-error.ts';
import type { TemporalConnections } from './temporal.ts';

/** The Temporal at hand, held against the one that the database belongs to. */
export interface TemporalBinding {
  /**
   * False: the database is not bound yet. Throws `temporal_changed` where it is bound to another Temporal; rejects with
   * the error of the server or the database where one of them cannot say.
   */
  check(): Promise<boolean>;
  /** What the last check found, without asking again. */
  isChanged(): boolean;
  /**
   * Binds a database that is not bound yet; with open reviews in it only where this Temporal knows one of them. Otherwise
   * as {@link check}.
   */
  bind(): Promise<void>;
}

export function createTemporalBinding(
  temporal: Pick<TemporalConnections, 'connection' | 'namespace'>,
  recovery: RecoveryStore,
  /** Whether Temporal has, or had, a workflow of this id. */
  knows: (reviewId: string) => Promise<boolean>,
): TemporalBinding {
  let changed = false;
  const compare = async (): Promise<{ readonly here: TemporalIdentity; readonly bound: boolean }> => {
    const [here, bound] = await Promise.all([readTemporalIdentity(temporal), recovery.binding()]);
    changed = bound !== undefined && !isSameTemporal(bound, here);
    if (bound !== undefined && changed) throw changedError(temporal.namespace, here, describeIdentity(bound));
    return { here, bound: bound !== undefined };
  };
  return {
    check: async () => (await compare()).bound,
    isChanged: () => changed,
    bind: async () => {
      const { here, bound } = await compare();
      if (bound) return;
      if (!(await mayBind(recovery, knows))) throw changedError(temporal.namespace, here, null);
      await recovery.bind(here);
      // Another gate worker may have been first, elsewhere.
      await compare();
    },
  };
}

export async function readTemporalIdentity({
  connection,
  namespace,
}: Pick<TemporalConnections, 'connection' | 'namespace'>): Promise<TemporalIdentity> {
  const { workflowService } = connection;
  const { namespaceInfo, isGlobalNamespace } = await workflowService.describeNamespace({ namespace });
  const namespaceId = namespaceInfo?.id ?? '';
  if (isGlobalNamespace) return { namespaceId, clusterId: null };
  const { clusterId } = await workflowService.getClusterInfo({});
  return { namespaceId, clusterId };
}

/** A namespace that has become global has kept its id, and says nothing of a cluster. */
export function isSameTemporal(one: TemporalIdentity, other: TemporalIdentity): boolean {
  const sameCluster = one.clusterId === null || other.clusterId === null || one.clusterId === other.clusterId;
  return one.namespaceId === other.namespaceId && sameCluster;
}

export function describeIdentity({ namespaceId, clusterId }: TemporalIdentity): string {
  return clusterId === null ? `namespace id ${namespaceId}` : `namespace id ${namespaceId} of cluster ${clusterId}`;
}

const PAGE = 100;

async function mayBind(recovery: RecoveryStore, knows: (reviewId: string) => Promise<boolean>): Promise<boolean> {
  // Includes every current review; the database's clock may run ahead of this one.
  const before = new Date(Date.now() + 86_400_000).toISOString();
  let any = false;
  for (const state of UNSETTLED_STATES) {
    let after: string | null = null;
    do {
      const page: readonly string[] = await recovery.unsettled(state, before, PAGE, after);
      any ||= page.length > 0;
      if ((await Promise.all(page.map(knows))).includes(true)) return true;
      after = page.at(-1) ?? null;
    } while (after !== null);
  }
  return !any;
}

function changedError(namespace: string, here: TemporalIdentity, bound: string | null): StartError {
  const why =
    bound === null
      ? 'The database holds open reviews, and this Temporal knows none of them.'
      : `The database is bound to ${bound}.`;
  return new StartError(
    'temporal_changed',
    `This is not the Temporal that the database is bound to: namespace ${namespace} is ${describeIdentity(here)}. ${why} ` +
      `Nothing was done. Check TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE, or restore the Temporal server's data. ` +
      `To switch to this Temporal for good, run \`holdpoint temporal rebind\`, which first lists what would be lost.`,
  );
}
