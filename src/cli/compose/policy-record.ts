import type { Store } from '../../ports/store.ts';
import type { FileSettingsSource } from '../../settings/follow.ts';
import type { Settings } from '../../domain/policy/settings.ts';
import type { Logger } from 'pino';

/** Gate workers of one deployment reload within seconds of each other: one entry for all of them. */
const SAME_CHANGE_MS = 60_000;

/** Records which policy is in force, and every change of it. A record that fails is logged: what a call was judged by is in its own entry too. */
export async function recordPolicyChanges(source: FileSettingsSource, store: Store, log: Logger): Promise<() => void> {
  const record = async (settings: Settings, previous: string | null, key: string) => {
    const { deploymentId, policy } = settings;
    const at = new Date().toISOString();
    await store.commit({
      key,
      entries: [{ schemaVersion: 1, type: 'policy_changed', deploymentId, at, policyDigest: policy.digest, previous }],
    });
  };
  const now = source.current();
  await record(now, null, `policy:${now.policy.digest}`);
  return source.onChange((settings, before) => {
    const [from, to] = [before.policy.digest, settings.policy.digest];
    if (from === to) return;
    record(settings, from, `policy:${from}:${to}:${Math.floor(Date.now() / SAME_CHANGE_MS)}`).catch((error: unknown) =>
      log.error({ err: error }, 'the change of policy is not in the audit log'),
    );
  });
}
