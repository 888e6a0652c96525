import {
  ServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type Client,
} from '@temporalio/client';
import { describe, expect, test } from 'vitest';
import { coalesce, createGateClient, type StartTexts } from '../../src/api/gate-client.ts';
import type { ProblemError } from '../../src/api/problem.ts';
import { CREATE } from './support/harness.ts';

const ID = 'rev_01KN4EMBG0PMMQS6MCY17GRJHD';
const TEXTS: StartTexts = {
  summary: 's',
  details: 'd',
  memo: { proposer: 'a', service: 's', tool: 't', proposedAt: 'now', group: null, threadId: null },
  expected: { status: 'pending', class: 'irreversible' },
};

/** A gRPC error as grpc-js makes it, wrapped as the SDK wraps it. */
function grpc(code: number): ServiceError {
  const cause = Object.assign(new Error('words of the server'), { code, details: 'words', metadata: {} });
  return new ServiceError('words of the SDK', { cause });
}

function clientThat(failsWith: unknown, more: object = {}): Client {
  const fail = () => Promise.reject(failsWith);
  return {
    options: { namespace: 'default' },
    withDeadline: (_deadline: number, call: () => Promise<unknown>) => call(),
    workflow: { start: fail, getHandle: () => ({ signal: fail, query: fail, describe: fail }) },
    workflowService: { getSystemInfo: fail, describeTaskQueue: fail },
    ...more,
  } as unknown as Client;
}

const codeOf = (error: unknown): string => (error as ProblemError).code;
const ENVELOPE = { payload: '', payloadType: '', signatures: [] };

describe('what Temporal says, in our words', () => {
  test.each([
    ['UNAVAILABLE', 14, 'temporal_unavailable'],
    ['DEADLINE_EXCEEDED', 4, 'temporal_unavailable'],
    ['RESOURCE_EXHAUSTED', 8, 'temporal_unavailable'],
    ['PERMISSION_DENIED', 7, 'internal'],
  ])('%s', async (_name, code, expected) => {
    const gate = createGateClient(clientThat(grpc(code)));
    await expect(gate.start(ID, CREATE, TEXTS).catch(codeOf)).resolves.toBe(expected);
    await expect(gate.signal(ID, 'withdraw', ENVELOPE).catch(codeOf)).resolves.toBe(expected);
    await expect(gate.describe(ID).catch(codeOf)).resolves.toBe(expected);
    // No answer is no receipt, whatever the reason.
    await expect(gate.refusal(ID, 'x')).resolves.toBeUndefined();
  });

  test('a start of what was started, a signal to what has ended', async () => {
    const started = new WorkflowExecutionAlreadyStartedError('', ID, 'gatedCall');
    expect(await createGateClient(clientThat(started)).start(ID, CREATE, TEXTS)).toBe('existing');
    const gone = createGateClient(clientThat(new WorkflowNotFoundError('', ID, undefined)));
    expect(await gone.signal(ID, 'submitDecision', ENVELOPE)).toBe('gone');
    expect(await gone.describe(ID)).toBeUndefined();
  });

  test('a query brings refusals alone: whoever polls the task queue could answer that it was accepted', async () => {
    const receipts = { yes: 'accepted', no: 'expired', odd: 'whatever' };
    const workflow = { getHandle: () => ({ query: async () => ({ review: null, receipts }) }) };
    const gate = createGateClient(clientThat(new Error('unused'), { workflow }));
    const told = await Promise.all(['yes', 'no', 'odd', 'toString'].map((ulid) => gate.refusal(ID, ulid)));
    expect(told).toEqual([undefined, 'expired', undefined, undefined]);
  });

  test('a memo that somebody else wrote is not believed to be ours', async () => {
    const describeWith = (memo: unknown) => {
      const described = { memo, runId: 'r', status: { name: 'RUNNING' } };
      const workflow = { getHandle: () => ({ describe: async () => described }) };
      return createGateClient(clientThat(new Error('unused'), { workflow })).describe(ID);
    };
    expect(await describeWith({ holdpointProposal: TEXTS.memo })).toMatchObject({ open: true, memo: TEXTS.memo });
    for (const memo of [undefined, {}, { holdpointProposal: 'x' }, { holdpointProposal: { proposer: 1 } }]) {
      expect(await describeWith(memo)).toBeUndefined();
    }
  });
});

describe('one query in flight per review', () => {
  test('who asks meanwhile shares the next one, begun after the asking', async () => {
    const begun: string[] = [];
    const finish: (() => void)[] = [];
    const ask = coalesce(async (key: string) => {
      const nth = begun.push(key);
      await new Promise<void>((resolve) => finish.push(resolve));
      return nth;
    });
    const first = ask('a');
    const [second, third] = [ask('a'), ask('a')];
    const other = ask('b');
    expect(begun).toEqual(['a', 'b']);
    finish[0]?.();
    expect(await first).toBe(1);
    await until(() => begun.length === 3);
    finish[2]?.();
    expect(await Promise.all([second, third])).toEqual([3, 3]);
    finish[1]?.();
    expect(await other).toBe(2);
    const later = ask('a');
    await until(() => finish.length === 4);
    finish[3]?.();
    expect(await later).toBe(4);
  });

  test('a failed one does not stop the next', async () => {
    let n = 0;
    const ask = coalesce(async () => {
      n += 1;
      if (n === 1) throw new Error('no');
      return n;
    });
    const first = ask('a').catch(() => 'failed');
    const second = ask('a');
    expect([await first, await second]).toEqual(['failed', 2]);
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}
