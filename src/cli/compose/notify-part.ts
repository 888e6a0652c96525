import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { createCallbackChannel } from '../../activities/notify/channels/callback/channel.ts';
import { configuredDestinations, isAnybodyTold, type Channels } from '../../activities/notify/destinations.ts';
import { createEmailChannel } from '../../activities/notify/channels/email/channel.ts';
import { fanOut } from '../../activities/notify/fan-out.ts';
import { createNotifyActivities, type NotifyActivities } from '../../activities/notify/index.ts';
import { createSlackChannel } from '../../activities/notify/channels/slack/channel.ts';
import { createWebhookChannel } from '../../activities/notify/channels/webhook/channel.ts';
import { DELIVER_NOTICES, deliveryWorkflowId, GATE_TASK_QUEUE } from '../../workflows/messages.ts';
import { systemClock, type Foundation } from './foundation.ts';
import { repeat } from './periodic.ts';
import { sendPost } from './send-post.ts';
import { sendToSlack } from './send-slack.ts';

/** Looks at the log this often even if nothing was heard of it, ms. */
const LOOK_EVERY_MS = 5_000;
/** Entries that come together are told together, ms. */
const GATHER_MS = 100;
/** Longer than any wait of a delivery workflow, or of an attempt: who was not looked at for so long is started anew. */
const UNATTENDED_MS = 15_000;
const STUCK_MS = 15 * 60_000;
const RESTARTS = 200;
const PRUNE_EVERY_MS = 3_600_000;
const KEPT_MS = 30 * 24 * 3_600_000;

export interface NotifyPart {
  readonly activities: NotifyActivities;
  /** Begins to follow the log; the worker that runs the activities must be up. */
  start(): Promise<void>;
}

/** Everything that people and machines are told: follows the log, and has a workflow tell each destination. */
export function openNotify(foundation: Foundation): NotifyPart {
  const { store, settings, log, shutdown } = foundation;
  const channels = openChannels(foundation);
  const start = startDelivery(foundation);
  const follow = async () => {
    if (shutdown.signal.aborted) return;
    for (const destination of await fanOut({ store, settings })) await start(destination, false);
  };
  return {
    activities: createNotifyActivities({ store, settings, channels, clock: systemClock }),
    start: async () => {
      if (settings.current().callbacks.length > 0 && foundation.callbackKey() === undefined) {
        log.warn('callbacks wait: this worker has no callback key. Run `holdpoint keys rotate callback`');
      }
      // What answered that it is gone may be back; whoever starts this worker may have seen to it.
      await store.deliveries.enable(configuredDestinations(settings.current()).map(({ name }) => name));
      const wake = gathered(follow, (error) => log.warn({ err: error }, 'the log will be followed again'));
      // A new destination is told what comes from now on, not from the next look on.
      shutdown.add('new destinations', settings.onChange(wake));
      let stopTail: (() => void) | undefined;
      const followed = repeat('following the log for notices', LOOK_EVERY_MS, log, async () => {
        // With nobody to tell, the log is not even listened to: each look moves past all of it at once.
        if (isAnybodyTold(settings.current())) stopTail ??= await store.tail(wake);
        await follow();
        await resume(foundation, start);
      });
      shutdown.add('tail for notices', () => stopTail?.());
      shutdown.add('following the log for notices', () => followed.stop());
      const pruned = repeat('pruning of deliveries', PRUNE_EVERY_MS, log, () =>
        store.deliveries.prune(new Date(systemClock.now() - KEPT_MS).toISOString()),
      );
      shutdown.add('pruning of deliveries', () => pruned.stop());
    },
  };
}

function openChannels({ settings, store, callbackKey, mailKey, localUrl }: Foundation): Channels {
  const common = { settings, post: sendPost, now: systemClock.now };
  const resolve = (reference: string) => resolveOr(() => settings.resolve(reference));
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

/** A reference that stands for nothing yet is tried again, like a target that is down. */
function resolveOr(resolve: () => string): string | undefined {
  try {
    return resolve();
  } catch {
    return undefined;
  }
}

type StartDelivery = (destination: string, anew: boolean) => Promise<void>;

/** A workflow that is running already goes on; `anew` ends it first. */
function startDelivery({ temporal }: Foundation): StartDelivery {
  return async (destination, anew) => {
    try {
      await temporal.client.workflow.start(DELIVER_NOTICES, {
        workflowId: deliveryWorkflowId(destination),
        taskQueue: GATE_TASK_QUEUE,
        args: [destination],
        workflowIdConflictPolicy: anew ? 'TERMINATE_EXISTING' : 'USE_EXISTING',
        staticSummary: `tells ${destination.split(':')[0] ?? ''}`,
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
  };
}

/**
 * Starts what should run and does not: a workflow that ended just as something came, one that was terminated. One that
 * nobody has seen at work for long may be anybody's, under a name of ours: it is ended and started anew.
 */
async function resume({ store }: Foundation, start: StartDelivery): Promise<void> {
  const ago = (ms: number) => new Date(systemClock.now() - ms).toISOString();
  const stuck = new Set(await store.deliveries.unattended(ago(STUCK_MS), RESTARTS));
  for (const destination of await store.deliveries.unattended(ago(UNATTENDED_MS), RESTARTS)) {
    await start(destination, stuck.has(destination));
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
