import { ulid } from 'ulid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DsseEnvelope } from '../../src/contract/envelope.ts';
import type { Review } from '../../src/contract/review.ts';
import { decisionOn, forger, intrude, keysOf, type Intruder } from '../support/e2e-intruder.ts';
import { newRef, startWorld, until, type World } from '../support/e2e-world.ts';

/** Laws 2 to 5 against somebody who can send every signal to Temporal, but has no key of ours. */
let world: World;
let intruder: Intruder;
beforeAll(async () => {
  world = await startWorld();
  intruder = await intrude(world);
});
afterAll(async () => {
  await intruder.close();
  await world.close();
});

const hold = async (tool = 'bank.pay') => {
  const ref = newRef('signal');
  return { ref, review: await world.hold(tool, { ref }) };
};
const approve = (review: Review): DsseEnvelope => keysOf(world).review.sign('decision', decisionOn(review));

/** Whatever came has been dealt with, and nothing came of it. */
async function expectUntouched(before: Review, ref: string): Promise<void> {
  // The query is answered after the signals before it.
  await intruder.receipts(before.reviewId);
  const review = await world.review(before.reviewId);
  expect(review).toMatchObject({ status: 'pending', level: before.level, revision: before.revision });
  expect(review.call.digest).toBe(before.call.digest);
  expect(review.revisions.at(-1)?.decisions).toEqual(before.revisions.at(-1)?.decisions);
  expect(review.execution.status).toBe('not_started');
  expect(world.target.count(ref)).toBe(0);
}

/** The gate still takes a real yes, and the call is made once. */
async function expectApprovable(review: Review, ref: string): Promise<void> {
  const decided = await world.decide(review.reviewId, {}, 'ops-2');
  expect([200, 202]).toContain(decided.status);
  expect(await world.settled(review.reviewId)).toMatchObject({
    status: 'approved',
    resolution: { by: 'ops-2' },
    execution: { status: 'executed' },
  });
  expect(world.target.count(ref)).toBe(1);
}

describe('law 2: a raw Temporal signal is not an approval', () => {
  const forgeries: Readonly<Record<string, (review: Review) => unknown>> = {
    'no envelope at all': () => ({ type: 'approve', reviewer: 'ops-1' }),
    true: () => true,
    unsigned: (review) => ({ ...approve(review), signatures: [] }),
    'an empty signature': (review) => ({ ...approve(review), signatures: [{ keyid: 'k', sig: '' }] }),
    'a key of one’s own': (review) => forger('mine').sign('decision', decisionOn(review)),
    'a key of one’s own under the id of ours': (review) =>
      forger(keysOf(world).review.keyid).sign('decision', decisionOn(review)),
    'the agents’ key, which signs no decisions': (review) => {
      const signed = forger(keysOf(world).propose.keyid).sign('decision', decisionOn(review));
      return { ...signed, signatures: keysOf(world).propose.sign('withdrawal', withdrawalOf(review)).signatures };
    },
    'a decision changed after it was signed': (review) => {
      const { payload, ...rest } = keysOf(world).review.sign('decision', decisionOn(review, { type: 'reject' }));
      const text = Buffer.from(payload, 'base64').toString('utf8').replace('"reject"', '"approve"');
      return { ...rest, payload: Buffer.from(text).toString('base64') };
    },
    'a signed decision in another spelling of its bytes': (review) => {
      const signed = approve(review);
      return { ...signed, payload: `${signed.payload.replace(/=+$/, '')}\n` };
    },
    'another digest': (review) =>
      keysOf(world).review.sign('decision', decisionOn(review, { digest: `sha256:${'0'.repeat(64)}` })),
    'another deployment': (review) =>
      keysOf(world).review.sign('decision', decisionOn(review, { deploymentId: 'elsewhere' })),
    'a revision that is still to come': (review) =>
      keysOf(world).review.sign('decision', decisionOn(review, { revision: 2 })),
    'a level that is still to come': (review) =>
      keysOf(world).review.sign('decision', decisionOn(review, { level: 2 })),
    'a reviewer who does not exist': (review) =>
      keysOf(world).review.sign('decision', decisionOn(review, { reviewer: { id: 'ghost', method: 'token' } })),
    'an auditor': (review) =>
      keysOf(world).review.sign('decision', decisionOn(review, { reviewer: { id: 'audit-1', method: 'token' } })),
    'somebody of another group': (review) =>
      keysOf(world).review.sign('decision', decisionOn(review, { reviewer: { id: 'finance-1', method: 'token' } })),
    'groups claimed in the envelope': (review) =>
      keysOf(world).review.sign(
        'decision',
        decisionOn(review, { reviewer: { id: 'finance-1', method: 'token', groups: ['ops'] } as never }),
      ),
    'an answer instead of a yes': (review) =>
      keysOf(world).review.sign('decision', decisionOn(review, { type: 'respond', response: true })),
    'an edit of the tool’s arguments that do not fit': (review) =>
      keysOf(world).review.sign('decision', decisionOn(review, { type: 'edit', editedArguments: { ref: 1 } })),
  };

  test.each(Object.entries(forgeries))('%s', async (_what, forge) => {
    const { ref, review } = await hold();
    await intruder.signal(review.reviewId, 'submitDecision', forge(review));
    await expectUntouched(review, ref);
    await expectApprovable(review, ref);
  });

  test('a signature of ours under the name of another signal', async () => {
    const { ref, review } = await hold();
    const envelope = approve(review);
    for (const name of ['submitRevision', 'withdraw', 'reconcile', 'approve', '__stack_trace'])
      await intruder.signal(review.reviewId, name, envelope).catch(() => undefined);
    await intruder.signal(review.reviewId, 'submitDecision', {
      ...envelope,
      payloadType: 'application/vnd.holdpoint.reconciliation.v1+json',
    });
    await expectUntouched(review, ref);
    await expectApprovable(review, ref);
  });

  test('a withdrawal, a revision and a reconciliation that nobody signed', async () => {
    const { ref, review } = await hold();
    const mine = forger(keysOf(world).propose.keyid);
    await intruder.signal(review.reviewId, 'withdraw', mine.sign('withdrawal', withdrawalOf(review)));
    await intruder.signal(
      review.reviewId,
      'submitRevision',
      mine.sign('revision', {
        ...withdrawalOf(review),
        arguments: { ref: 'other' },
        submittedAt: new Date().toISOString(),
      }),
    );
    await intruder.signal(
      review.reviewId,
      'reconcile',
      mine.sign('reconciliation', {
        ...decisionOn(review),
        outcome: 'executed',
        note: 'trust me',
        reconciledAt: new Date().toISOString(),
      }),
    );
    await expectUntouched(review, ref);
    await expectApprovable(review, ref);
  });

  test('a withdrawal that another agent signed for it', async () => {
    const { ref, review } = await hold();
    const other = keysOf(world).propose.sign('withdrawal', { ...withdrawalOf(review), proposer: 'agent-2' });
    await intruder.signal(review.reviewId, 'withdraw', other);
    await expectUntouched(review, ref);
    await expectApprovable(review, ref);
  });

  test('the real yes to one review, sent to another', async () => {
    const [one, other] = [await hold(), await hold()];
    await expectApprovable(one.review, one.ref);
    const [stolen] = await intruder.envelopes(one.review.reviewId, 'decision');
    expect(stolen).toBeDefined();
    await intruder.signal(other.review.reviewId, 'submitDecision', stolen);
    const text = Buffer.from(stolen?.payload ?? '', 'base64').toString('utf8');
    const renamed = text.replaceAll(one.review.reviewId, other.review.reviewId);
    await intruder.signal(other.review.reviewId, 'submitDecision', {
      ...stolen,
      payload: Buffer.from(renamed).toString('base64'),
    });
    await expectUntouched(other.review, other.ref);
    await expectApprovable(other.review, other.ref);
  });

  test('the same envelope ten times counts once', async () => {
    const { ref, review } = await hold('bank.chain');
    const yes = approve(review);
    await Promise.all(Array.from({ length: 10 }, () => intruder.signal(review.reviewId, 'submitDecision', yes)));
    const level2 = await until(
      async () => {
        const now = await world.review(review.reviewId);
        return now.level === 2 ? now : undefined;
      },
      { what: 'the second level' },
    );
    expect(level2.levels[0]?.decisions).toHaveLength(1);
    expect(world.target.count(ref)).toBe(0);
    await world.decide(review.reviewId, { type: 'reject' }, 'finance-1');
  });
});

describe('law 2: nothing that is sent makes the gate deaf', () => {
  const json = (text: string) => ({ metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from(text) });
  const payloads: Readonly<Record<string, Parameters<Intruder['signalRaw']>[2]>> = {
    'JSON that is none': [json('{"payload":')],
    nothing: [],
    'an unknown encoding': [{ metadata: { encoding: Buffer.from('binary/evil') }, data: Buffer.from([0, 255]) }],
    'an encrypted one that nobody can open': [
      { metadata: { encoding: Buffer.from('binary/encrypted') }, data: Buffer.alloc(64, 7) },
    ],
    'no metadata': [{ data: Buffer.from('x') }],
    bytes: [{ metadata: { encoding: Buffer.from('binary/plain') }, data: Buffer.from([1, 2, 3]) }],
    'a protobuf message that does not exist': [
      {
        metadata: { encoding: Buffer.from('json/protobuf'), messageType: Buffer.from('evil.Type') },
        data: Buffer.from('{}'),
      },
    ],
    'nesting beyond the stack': [json(`${'['.repeat(200_000)}${']'.repeat(200_000)}`)],
    'a prototype': [json('{"__proto__":{"payload":"x"},"constructor":1}')],
    'a megabyte': [json(JSON.stringify({ payload: 'A'.repeat(1_500_000), payloadType: 'x', signatures: [] }))],
    'many payloads': Array.from({ length: 50 }, () => json('null')),
  };

  test.each(Object.entries(payloads))('%s', async (_what, payload) => {
    const { ref, review } = await hold();
    for (const name of ['submitDecision', 'submitRevision', 'withdraw', 'reconcile', 'unheardOf'])
      await intruder.signalRaw(review.reviewId, name, payload);
    await expectUntouched(review, ref);
    await expectApprovable(review, ref);
  });

  test('a payload inside an envelope that decodes to anything but an object', async () => {
    const { ref, review } = await hold();
    const { payload: _payload, ...rest } = approve(review);
    for (const text of ['null', '[]', '1', '"x"', '{"reviewId":1}', '\ud800', '{'.repeat(100_000)])
      await intruder.signal(review.reviewId, 'submitDecision', {
        ...rest,
        payload: Buffer.from(text).toString('base64'),
      });
    await expectUntouched(review, ref);
    await expectApprovable(review, ref);
  });

  test('two thousand forged signals while a good vote comes over HTTP: it ends accepted', async () => {
    const { ref, review } = await hold();
    const mine = forger(keysOf(world).review.keyid);
    let left = 2_000;
    const send = async () => {
      while (left-- > 0)
        await intruder.signal(review.reviewId, 'submitDecision', mine.sign('decision', decisionOn(review)));
    };
    const flood = Promise.all(Array.from({ length: 40 }, send));
    await until(() => (left < 1_500 ? true : undefined), { what: 'a quarter of the flood', withinMs: 60_000 });
    const decided = await world.decide(review.reviewId, {}, 'ops-2');
    expect([200, 202]).toContain(decided.status);
    await flood.catch(() => undefined);
    expect(await world.settled(review.reviewId)).toMatchObject({
      status: 'approved',
      resolution: { by: 'ops-2' },
      execution: { status: 'executed' },
    });
    expect(world.target.count(ref)).toBe(1);
  });

  test('queries without end, and with arguments that cannot be read', async () => {
    const { ref, review } = await hold();
    const query = (args: readonly unknown[]) =>
      intruder
        .handle(review.reviewId)
        .query('getReview', ...args)
        .catch(() => undefined);
    const spam = Promise.all(Array.from({ length: 200 }, () => query([{ a: 'x'.repeat(1_000) }])));
    await Promise.all(
      ['noSuchQuery', '__stack_trace', '__enhanced_stack_trace'].map((name) =>
        intruder
          .handle(review.reviewId)
          .query(name)
          .catch(() => undefined),
      ),
    );
    await expectApprovable(review, ref);
    await spam;
  });
});

describe('law 3: a decision binds one reviewer to one digest', () => {
  test('a yes to the first version is nothing to the second, however often it is sent', async () => {
    const { ref, review } = await hold('bank.chain');
    expect((await world.decide(review.reviewId, {}, 'ops-1')).status).toBe(200);
    const changed = { ref, amount: 5 };
    const edited = await world.decide(review.reviewId, { type: 'edit', arguments: changed }, 'finance-1');
    expect(edited.status).toBe(200);
    const second = await world.review(review.reviewId);
    expect(second).toMatchObject({ revision: 2, level: 1, status: 'pending', call: { arguments: changed } });
    expect(second.revisions[1]?.decisions).toEqual([]);
    const old = await intruder.envelopes(review.reviewId, 'decision');
    expect(old).toHaveLength(2);
    for (const envelope of old) await intruder.signal(review.reviewId, 'submitDecision', envelope);
    await expectUntouched(second, ref);
    // Nor under a new signature with the old digest.
    const stale = keysOf(world).review.sign('decision', decisionOn(review, { revision: 2 }));
    await intruder.signal(review.reviewId, 'submitDecision', stale);
    await expectUntouched(second, ref);
    // Whoever wrote the version has no vote on it.
    for (const [as, level] of [
      ['ops-1', 1],
      ['finance-2', 2],
    ] as const) {
      expect((await world.review(review.reviewId)).level).toBe(level);
      expect((await world.decide(review.reviewId, {}, as)).status).toBe(200);
    }
    expect(await world.settled(review.reviewId)).toMatchObject({ execution: { status: 'executed', edited: true } });
    expect(world.target.seen.filter((one) => one.ref === ref).map(({ body }) => body)).toEqual([changed]);
  });

  test('a yes to the second level that comes before the first is only a yes too early', async () => {
    const { ref, review } = await hold('bank.chain');
    const early = keysOf(world).review.sign(
      'decision',
      decisionOn(review, { level: 2, reviewer: { id: 'finance-1', method: 'token' } }),
    );
    await intruder.signal(review.reviewId, 'submitDecision', early);
    await expectUntouched(review, ref);
    expect((await world.decide(review.reviewId, {}, 'ops-1')).status).toBe(200);
    await intruder.signal(review.reviewId, 'submitDecision', early);
    await intruder.receipts(review.reviewId);
    expect(await world.review(review.reviewId)).toMatchObject({ status: 'pending', level: 2 });
    expect(world.target.count(ref)).toBe(0);
    expect((await world.decide(review.reviewId, {}, 'finance-1')).status).toBe(200);
    expect(await world.settled(review.reviewId)).toMatchObject({ execution: { status: 'executed' } });
  });
});

describe('law 4: silence is no', () => {
  test('a yes signed in time and sent too late does not count, nor does one over HTTP', async () => {
    const { ref, review } = await hold('bank.brief');
    const inTime = approve(review);
    const expired = await until(
      async () => {
        const now = await world.review(review.reviewId);
        return now.status === 'expired' ? now : undefined;
      },
      { what: 'the deadline' },
    );
    expect(expired.execution.status).toBe('not_started');
    await intruder.signal(review.reviewId, 'submitDecision', inTime).catch(() => undefined);
    const late = await world.decide(review.reviewId, { digest: review.call.digest ?? '' });
    expect(late).toMatchObject({ status: 409, body: { code: 'expired' } });
    expect(await world.settled(review.reviewId)).toMatchObject({ status: 'expired' });
    expect(world.target.count(ref)).toBe(0);
  });

  test('a yes that came while everything was down, after the deadline, loses against it', async () => {
    const { ref, review } = await hold('bank.brief');
    const yes = approve(review);
    await world.holdpoint.kill();
    // Temporal goes on; the deadline passes before the signal, and both wait for the same workflow task.
    await until(() => (Date.now() > Date.parse(review.expiresAt ?? '') + 200 ? true : undefined), { what: 'time' });
    await intruder.signal(review.reviewId, 'submitDecision', yes);
    await world.holdpoint.start();
    expect(await world.settled(review.reviewId)).toMatchObject({
      status: 'expired',
      execution: { status: 'not_started' },
    });
    expect(world.target.count(ref)).toBe(0);
    expect((await world.entries(review.reviewId)).map(({ type }) => type)).not.toContain('started');
  });
});

describe('law 5: deny first, and nobody decides for himself', () => {
  test('after a no, yeses over HTTP and by signal change nothing', async () => {
    const { ref, review } = await hold();
    const yes = approve(review);
    const no = await world.decide(review.reviewId, { type: 'reject', comment: 'Not today' }, 'ops-2');
    expect(no.status).toBe(200);
    await intruder.signal(review.reviewId, 'submitDecision', yes).catch(() => undefined);
    const late = await world.decide(review.reviewId, { digest: review.call.digest ?? '' });
    expect(late).toMatchObject({ status: 409, body: { code: 'already_resolved' } });
    expect(await world.settled(review.reviewId)).toMatchObject({ status: 'rejected', resolution: { by: 'ops-2' } });
    expect(world.target.count(ref)).toBe(0);
  });

  test('the owner and the editor over HTTP, and signed past the api', async () => {
    const { ref, review } = await hold('bank.chain');
    const refused = await world.decide(review.reviewId, {}, 'ops-3');
    expect(refused).toMatchObject({ status: 403, body: { code: 'self_approval' } });
    const payload = decisionOn(review, { reviewer: { id: 'ops-3', method: 'token' } });
    await intruder.signal(review.reviewId, 'submitDecision', keysOf(world).review.sign('decision', payload));
    await expectUntouched(review, ref);
    expect((await intruder.receipts(review.reviewId))[payload.decisionUlid]).toBe('self_approval');
    await world.decide(review.reviewId, { type: 'reject' }, 'ops-1');
  });

  test('a second vote of the same person, under another id', async () => {
    const ref = newRef('twice');
    const review = await world.hold('bank.chain', { ref });
    expect((await world.decide(review.reviewId, {}, 'ops-1')).status).toBe(200);
    const second = await world.review(review.reviewId);
    const again = await world.decide(review.reviewId, {}, 'ops-1');
    expect(again).toMatchObject({ status: 403, body: { code: 'not_an_approver' } });
    const payload = decisionOn(second, { decisionUlid: ulid(), level: 1 });
    await intruder.signal(review.reviewId, 'submitDecision', keysOf(world).review.sign('decision', payload));
    await expectUntouched(second, ref);
    expect((await intruder.receipts(review.reviewId))[payload.decisionUlid]).not.toBe('accepted');
    await world.decide(review.reviewId, { type: 'reject' }, 'finance-1');
  });
});

function withdrawalOf(review: Review) {
  return {
    deploymentId: review.deploymentId,
    reviewId: review.reviewId,
    decisionUlid: ulid(),
    proposer: review.proposer.id,
    digest: review.call.digest ?? '',
    withdrawnAt: new Date().toISOString(),
  };
}
