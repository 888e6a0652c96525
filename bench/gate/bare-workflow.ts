import { condition, defineSignal, proxyActivities, setHandler } from '@temporalio/workflow';

/** The least that a gate is: a signal, a 24 h timer, one activity. Nothing is checked, nothing is recorded. */
export const decide = defineSignal<[string]>('decide');

const { makeCall } = proxyActivities<{ makeCall(): Promise<string> }>({
  startToCloseTimeout: '30s',
  retry: { maximumAttempts: 1 },
});

export async function bareGate(): Promise<string> {
  let decision: string | undefined;
  setHandler(decide, (said) => {
    decision = said;
  });
  await condition(() => decision !== undefined, '24h');
  return decision === 'approve' ? await makeCall() : 'no';
}

/** The least that a call through Temporal is: one activity. */
export async function bareCall(): Promise<string> {
  return makeCall();
}
