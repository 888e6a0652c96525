import type { WorkflowHandle } from '@temporalio/client';
import type { ApprovalRequest } from '../../../src/contract/in-flow.ts';
import { ASKING_TASK_QUEUE } from '../../support/asking-worker.ts';
import type { Harness } from '../../support/workflow-harness.ts';

const QUESTION: ApprovalRequest = {
  title: 'Publish?',
  proposal: { draft: 'one' },
  approvers: ['ops'],
  allow: ['approve', 'edit', 'reject', 'respond'],
};

/** Plays one path of a workflow that asks to its end. */
type Path = (gate: Harness) => Promise<WorkflowHandle>;

interface Asked {
  readonly asking: WorkflowHandle;
  readonly reviewIds: readonly string[];
}

async function ask(gate: Harness, type: string, count: number, ...args: readonly unknown[]): Promise<Asked> {
  await gate.sync();
  const asking = await gate.client.workflow.start(type, {
    workflowId: `asking-${type}-${Math.random()}`,
    taskQueue: ASKING_TASK_QUEUE,
    args: [...args],
  });
  for (;;) {
    const { events } = await asking.fetchHistory();
    const reviewIds = (events ?? []).flatMap((event) => {
      const id = event.childWorkflowExecutionStartedEventAttributes?.workflowExecution?.workflowId;
      return typeof id === 'string' ? [id] : [];
    });
    if (reviewIds.length === count) {
      for (const reviewId of reviewIds) await gate.untilStatus(reviewId, 'pending');
      return { asking, reviewIds };
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Each of them is one file in `histories`. */
export const PATHS: Readonly<Record<string, Path>> = {
  answered: async (gate) => {
    const { asking, reviewIds } = await ask(gate, 'asks', 1, QUESTION);
    await gate.decide(reviewIds[0] ?? '', { comment: 'go' });
    return asking;
  },
  expired: async (gate) => (await ask(gate, 'asks', 1, { ...QUESTION, ttl: '2s' })).asking,
  'cancelled-scope': async (gate) => {
    const { asking } = await ask(gate, 'asksUntilToldOtherwise', 1, QUESTION);
    await asking.signal('giveUp');
    return asking;
  },
  'cancelled-workflow': async (gate) => {
    const { asking } = await ask(gate, 'asks', 1, QUESTION);
    await asking.cancel();
    return asking;
  },
  terminated: async (gate) => {
    const { asking, reviewIds } = await ask(gate, 'asks', 1, QUESTION);
    await gate.client.workflow.getHandle(reviewIds[0] ?? '').terminate('by an intruder');
    return asking;
  },
  several: async (gate) => {
    const { asking, reviewIds } = await ask(gate, 'asksSeveral', 3, [QUESTION, QUESTION, QUESTION]);
    const [a = '', b = '', c = ''] = reviewIds;
    await gate.decide(c, { type: 'respond', response: 3 });
    await gate.decide(a, { type: 'reject', comment: 'no' });
    await gate.decide(b, { type: 'edit', editedArguments: { draft: 'two' } });
    return asking;
  },
  'left-behind': async (gate) => {
    const { asking } = await ask(gate, 'asksAndLeaves', 1, QUESTION);
    await asking.signal('giveUp');
    return asking;
  },
};
