import { createCallbackChannel } from '../../activities/notify/channels/callback/channel.ts';
import { configuredDestinations, isAnybodyTold, type Channels } from '../../activities/notify/destinations.ts';
import { createEmailChannel } from '../../activities/notify/channels/email/channel.ts';
import { createDeliverer } from '../../activities/notify/deliver.ts';
import { fanOut } from '../../activities/notify/fan-out.ts';
import { createSlackChannel } from '../../activities/notify/channels/slack/channel.ts';
import { createWebhookChannel } from '../../activities/notify/channels/webhook/channel.ts';
import { checkReferences } from './check-references.ts';
import { systemClock, type Foundation } from './foundation.ts';
import { repeatUntilShutdown } from './serve.ts';
import { createSendPost, sendToSlack } from './send.ts';

/** How often the log is read even without a notification of new entries, ms. */
const LOOK_EVERY_MS = 5_000;
/** Entries within this time are handled together, ms. */
const GATHER_MS = 100;
const PRUNE_EVERY_MS = 3_600_000;
const KEPT_MS = 30 * 24 * 3_600_000;

/** Follows the log and sends the notifications that follow from it. */
export async function startNotify(foundation: Foundation): Promise<void> {
  const { store, files, settings, log, shutdown } = foundation;
  if (settings.current().callbacks.length > 0 && foundation.callbackKey() === undefined) {
    log.warn('callbacks wait: this worker has no callback key. Run `holdpoint keys rotate callback`');
  }
  const warnOfReferences = (): void => {
    const faults = checkReferences(settings.current(), (reference) => files.resolve(reference), 'gate worker');
    for (const { message, fix } of faults) log.warn(`${message}. ${fix}`);
  };
  warnOfReferences();
  shutdown.add('references of a new configuration', files.onChange(warnOfReferences));
  // A target that answered 410 may be back: the operator who starts this worker may have repaired it.
  await store.deliveries.enable(configuredDestinations(settings.current()).map(({ name }) => name));
  const onError = (error: unknown) => log.warn({ err: error }, 'notifications will be tried again');
  const deliverer = createDeliverer(
    {
      store,
      settings,
      channels: openChannels(foundation),
      clock: systemClock,
      onAttempt: foundation.metrics.countAttempt,
    },
    onError,
  );
  shutdown.add('delivery of notifications', () => deliverer.stop());
  const follow = async () => {
    if (shutdown.signal.aborted) return;
    await fanOut({ store, settings });
    await deliverer.look();
  };
  const wake = gathered(follow, onError);
  // A new destination receives events from now on, not from the next read on.
  shutdown.add('new destinations', files.onChange(wake));
  let stopTail: (() => void) | undefined;
  shutdown.add('tail for notifications', () => stopTail?.());
  repeatUntilShutdown(foundation, 'following the log for notifications', LOOK_EVERY_MS, async () => {
    // Without destinations the log is not followed: each read moves past all of it at once.
    if (isAnybodyTold(settings.current())) stopTail ??= await store.tail(wake);
    await follow();
  });
  repeatUntilShutdown(foundation, 'pruning of deliveries', PRUNE_EVERY_MS, () =>
    store.deliveries.prune(new Date(systemClock.now() - KEPT_MS).toISOString()),
  );
}

function openChannels({ files, settings, store, callbackKey, mailKey, localUrl, proxy }: Foundation): Channels {
  const common = { settings, post: createSendPost(proxy), now: systemClock.now };
  const resolve = (reference: string) => resolveOr(() => files.resolve(reference));
  return {
    webhook: createWebhookChannel({ ...common, resolve }),
    email: createEmailChannel({ ...common, resolve, mailKey, fallbackUrl: localUrl }),
    callback: createCallbackChannel({ ...common, key: callbackKey }),
    slack: createSlackChannel({
      settings,
      resolve,
      post: sendToSlack,
      now: systemClock.now,
      fallbackUrl: localUrl,
      memory: { get: store.deliveries.recall, put: store.deliveries.remember },
    }),
  };
}

/** A reference without a value is retried, like a target that is down. */
function resolveOr(resolve: () => string): string | undefined {
  try {
    return resolve();
  } catch {
    return undefined;
  }
}

/** Runs `work` soon after the first call, once for all calls until then, and never twice at a time. */
function gathered(work: () => Promise<void>, onError: (error: unknown) => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  const run = () => {
    timer = undefined;
    running = work()
      .catch(onError)
      .finally(() => (running = undefined));
  };
  return () => {
    if (timer !== undefined) return;
    const begin = () => (running === undefined ? run() : void running.finally(run));
    timer = setTimeout(begin, GATHER_MS).unref();
  };
}
