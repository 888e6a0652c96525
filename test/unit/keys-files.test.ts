import { createPublicKey } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createUnsealer } from '../../src/activities/unseal.ts';
import { createSealer } from '../../src/api/service/sealing.ts';
import type { EnvelopeVerifier, Signer } from '../../src/ports/connector.ts';
import { isPrivate } from '../../src/storage/keys/key-files.ts';
import type { EnvelopePayload } from '../../src/contract/envelope.ts';
import type { SettingsSource } from '../../src/domain/policy/settings.ts';
import {
  createSigner,
  createVerifier,
  ensureKeys,
  hashKey,
  loadKeys,
  newAgentKey,
  newReviewerToken,
  readTrust,
  resolveReference,
  rotateKey,
} from '../../src/storage/keys/index.ts';
import { APPROVALS, settingsOf } from './policy-support.ts';

const NOW = new Date('2026-04-01T12:00:00.000Z');
const LATER = new Date('2026-05-01T12:00:00.000Z');
const REVIEW = 'rev_01ARZ3NDEKTSV4RRFFQ69G5FAV';
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdpoint-keys-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const withdrawal: EnvelopePayload<'withdrawal'> = {
  deploymentId: 'd-1',
  reviewId: REVIEW,
  decisionUlid: '01ARZ3NDEKTSV4RRFFQ69G5FAV',
  proposer: 'billing-service',
  digest: `sha256:${'0'.repeat(64)}`,
  withdrawnAt: NOW.toISOString(),
};
const reconciliation: EnvelopePayload<'reconciliation'> = {
  deploymentId: 'd-1',
  reviewId: REVIEW,
  decisionUlid: withdrawal.decisionUlid,
  digest: withdrawal.digest,
  outcome: 'executed',
  note: 'seen in the bank’s list',
  reviewer: { id: 'ops-1', method: 'token' },
  channel: 'cli',
  reconciledAt: NOW.toISOString(),
};

/** Settings with one agent that signs for itself, its public key at `reference`. */
function sourceWith(reference: string): SettingsSource {
  const config = `policy: p\nagents:\n  - { id: billing-service, publicKey: "${reference}" }\n  - { id: other-service, publicKey: "env:OTHER" }\n`;
  const settings = settingsOf(`version: 1\n${APPROVALS}`, config);
  return { current: () => settings, problem: () => null };
}
const nothing: SettingsSource = sourceWith('env:NOTHING');
const never = (): string => {
  throw new Error('there is nothing');
};

describe('a key directory', () => {
  it('is made once, readable for its owner alone', () => {
    const keys = ensureKeys(directory, { now: NOW });
    const files = readdirSync(directory).toSorted();
    expect(files).toEqual([
      'callback.key',
      'execute.key',
      'mail.key',
      'propose.key',
      'review.key',
      'seal.key',
      'trust.json',
    ]);
    for (const name of files.filter((file) => file.endsWith('.key'))) {
      expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
    }
    const before = files.map((file) => readFileSync(join(directory, file), 'utf8'));
    ensureKeys(directory, { now: LATER });
    expect(files.map((file) => readFileSync(join(directory, file), 'utf8'))).toEqual(before);
    expect(
      keys.trust
        .current()
        .keys.map(({ role }) => role)
        .toSorted(),
    ).toEqual(['callback', 'execute', 'mail', 'propose', 'review', 'seal']);
    for (const { keyid, role } of keys.trust.current().keys)
      expect(keyid).toMatch(new RegExp(`^${role}:[0-9a-f]{16}$`));
  });

  it('has no private key in its trust file', () => {
    ensureKeys(directory, { now: NOW });
    for (const { publicKey } of readTrust(directory).keys)
      expect(Object.keys(publicKey).toSorted()).toEqual(['crv', 'kty', 'x']);
  });

  it('takes the deployment’s id, or makes one that a configuration accepts', () => {
    expect(ensureKeys(directory, { deploymentId: 'acme', now: NOW }).trust.current().deploymentId).toBe('acme');
    rmSync(directory, { recursive: true });
    expect(ensureKeys(directory, { now: NOW }).trust.current().deploymentId).toMatch(/^[a-z0-9][a-z0-9-]{0,62}$/);
  });

  it('is completed after a crash half-way', () => {
    ensureKeys(directory, { now: NOW });
    rmSync(join(directory, 'review.key'));
    const trust = readTrust(directory);
    writeFileSync(
      join(directory, 'trust.json'),
      JSON.stringify({ ...trust, keys: trust.keys.filter(({ role }) => role !== 'seal') }),
    );
    const roles = ensureKeys(directory, { now: LATER })
      .trust.current()
      .keys.filter(({ retiredAt }) => retiredAt === undefined);
    expect(roles.map(({ role }) => role).toSorted()).toEqual([
      'callback',
      'execute',
      'mail',
      'propose',
      'review',
      'seal',
    ]);
  });

  it('gives a process the keys of its roles alone', () => {
    ensureKeys(directory, { now: NOW });
    rmSync(join(directory, 'review.key'));
    const keys = loadKeys(directory, ['propose']);
    expect(keys.privateKeys('propose')).toHaveLength(1);
    expect(() => keys.privateKeys('review')).toThrow(expect.objectContaining({ code: 'key_missing' }));
    expect(() => loadKeys(directory, ['review'])).toThrow(expect.objectContaining({ code: 'key_missing' }));
  });

  it('may be lent by root to the group of the process, as Kubernetes mounts Secrets', () => {
    const [root, ours] = [0, 1000];
    expect(isPrivate({ mode: 0o100440, uid: root }, ours)).toBe(true);
    expect(isPrivate({ mode: 0o100440, uid: ours }, ours)).toBe(false);
    expect(isPrivate({ mode: 0o100440, uid: root }, root)).toBe(false);
    expect(isPrivate({ mode: 0o100460, uid: root }, ours)).toBe(false);
    expect(isPrivate({ mode: 0o100444, uid: root }, ours)).toBe(false);
  });

  it('is refused where something is wrong with it, by code', () => {
    expect(() => loadKeys(directory, [])).toThrow(expect.objectContaining({ code: 'trust_missing' }));
    ensureKeys(directory, { now: NOW });
    const key = join(directory, 'propose.key');
    chmodSync(key, 0o640);
    expect(() => loadKeys(directory, ['propose'])).toThrow(expect.objectContaining({ code: 'key_insecure' }));
    chmodSync(key, 0o600);
    const good = readFileSync(key, 'utf8');
    writeFileSync(key, readFileSync(join(directory, 'seal.key')));
    expect(() => loadKeys(directory, ['propose'])).toThrow(expect.objectContaining({ code: 'key_invalid' }));
    writeFileSync(key, 'nonsense');
    expect(() => loadKeys(directory, ['propose'])).toThrow(expect.objectContaining({ code: 'key_invalid' }));
    writeFileSync(key, readFileSync(join(directory, 'review.key')));
    expect(() => loadKeys(directory, ['propose'])).toThrow(expect.objectContaining({ code: 'key_not_trusted' }));
    writeFileSync(key, good);
    expect(loadKeys(directory, ['propose']).privateKeys('propose')).toHaveLength(1);
    writeFileSync(join(directory, 'trust.json'), '{"deploymentId":"d"}');
    expect(() => loadKeys(directory, ['propose'])).toThrow(expect.objectContaining({ code: 'trust_invalid' }));
  });

  it('does not trust a key under another key’s id', () => {
    ensureKeys(directory, { now: NOW });
    const trust = readTrust(directory);
    const [first, second] = trust.keys.filter(({ role }) => role !== 'seal');
    const forged = { ...trust, keys: [{ ...first, publicKey: second?.publicKey }] };
    writeFileSync(join(directory, 'trust.json'), JSON.stringify(forged));
    expect(() => loadKeys(directory, [])).toThrow(expect.objectContaining({ code: 'trust_invalid' }));
  });

  it('takes a private key as JWK too', () => {
    const keys = ensureKeys(directory, { now: NOW });
    const [{ keyid, privateKey }] = keys.privateKeys('propose');
    writeFileSync(join(directory, 'propose.key'), JSON.stringify(privateKey.export({ format: 'jwk' })));
    expect(loadKeys(directory, ['propose']).privateKeys('propose')[0].keyid).toBe(keyid);
  });
});

describe('signing and verifying', () => {
  it('go by the role of the key', () => {
    const keys = ensureKeys(directory, { now: NOW });
    const verifier: EnvelopeVerifier = createVerifier(keys.trust, nothing, never);
    const signer: Signer = createSigner('review', keys);
    const envelope = signer.sign('reconciliation', reconciliation);
    expect(verifier.verify('reconciliation', envelope)).toMatchObject({ payload: reconciliation });
    expect(verifier.verify('decision', envelope)).toBeUndefined();
    expect(() => signer.sign('withdrawal', withdrawal)).toThrow(TypeError);
    expect(
      verifier.verify('reconciliation', { ...envelope, payload: `${envelope.payload.slice(0, -4)}AAAA` }),
    ).toBeUndefined();
    expect(verifier.verify('reconciliation', null)).toBeUndefined();
  });

  it('do not accept one role’s key for another role’s kind', () => {
    const keys = ensureKeys(directory, { now: NOW });
    const crossed = createSigner('review', { privateKeys: () => keys.privateKeys('propose') });
    const verifier = createVerifier(keys.trust, nothing, never);
    expect(verifier.verify('reconciliation', crossed.sign('reconciliation', reconciliation))).toBeUndefined();
  });

  it('go on through a rotation while running', () => {
    const keys = ensureKeys(directory, { now: NOW });
    const signer = createSigner('review', keys);
    const verifier = createVerifier(keys.trust, nothing, never);
    const before = signer.sign('reconciliation', reconciliation);
    const oldId = signer.keyid;
    const { keyid } = rotateKey(directory, 'review', LATER);
    expect(signer.keyid).toBe(keyid);
    expect(keyid).not.toBe(oldId);
    const after = signer.sign('reconciliation', reconciliation);
    expect(after.signatures[0]?.keyid).toBe(keyid);
    expect(verifier.verify('reconciliation', before)).toBeDefined();
    expect(verifier.verify('reconciliation', after)).toBeDefined();
    const review = keys.trust.current().keys.filter(({ role }) => role === 'review');
    expect(review.map((key) => [key.keyid, key.retiredAt])).toEqual([
      [oldId, LATER.toISOString()],
      [keyid, undefined],
    ]);
    const distrusted = {
      ...readTrust(directory),
      keys: readTrust(directory).keys.filter((key) => key.keyid !== oldId),
    };
    writeFileSync(join(directory, 'trust.json'), JSON.stringify(distrusted));
    expect(verifier.verify('reconciliation', before)).toBeUndefined();
  });

  it('keep the trusted keys in force when the file breaks', () => {
    const keys = ensureKeys(directory, { now: NOW });
    const verifier = createVerifier(keys.trust, nothing, never);
    const envelope = createSigner('review', keys).sign('reconciliation', reconciliation);
    writeFileSync(join(directory, 'trust.json'), 'broken');
    expect(verifier.verify('reconciliation', envelope)).toBeDefined();
    expect(keys.trust.problem()).not.toBeNull();
  });

  it('open what was sealed before and after a rotation', async () => {
    const keys = ensureKeys(directory, { now: NOW });
    const seal = createSealer(() => keys.trust.current().keys);
    const unsealer = createUnsealer({ deploymentId: () => 'd-1', keys: () => keys.privateKeys('seal') });
    const binding = { reviewId: REVIEW, tool: 'a.b', pointers: ['/memo'] };
    const before = await seal({ memo: 'old' }, { deploymentId: 'd-1', ...binding });
    rotateKey(directory, 'seal', LATER);
    const after = await seal({ memo: 'new' }, { deploymentId: 'd-1', ...binding });
    expect((await unsealer.open(before, binding)).arguments).toEqual({ memo: 'old' });
    expect((await unsealer.open(after, binding)).arguments).toEqual({ memo: 'new' });
    expect(existsSync(join(directory, 'seal.key'))).toBe(true);
    expect(keys.privateKeys('seal')).toHaveLength(2);
  });
});

describe('an agent’s own key', () => {
  function setUp() {
    const keys = ensureKeys(directory, { now: NOW });
    const agentDirectory = mkdtempSync(join(tmpdir(), 'holdpoint-agent-'));
    const agent = ensureKeys(agentDirectory, { now: NOW });
    const pem = agent.privateKeys('propose')[0].privateKey;
    const publicPem = createPublicPem(pem);
    rmSync(agentDirectory, { recursive: true });
    const signer = createSigner('propose', { privateKeys: () => agent.privateKeys('propose') });
    return { keys, signer, publicPem };
  }
  function createPublicPem(privateKey: { export(options: { format: 'jwk' }): unknown }): string {
    const { d: _secret, ...jwk } = privateKey.export({ format: 'jwk' }) as Record<string, string>;
    return createPublicKey({ key: jwk, format: 'jwk' }).export({ format: 'pem', type: 'spki' }).toString();
  }

  it('verifies what that agent proposes, and nothing else', () => {
    const { keys, signer, publicPem } = setUp();
    const verifier = createVerifier(keys.trust, sourceWith('env:PEM'), (reference) =>
      reference === 'env:PEM' ? publicPem : never(),
    );
    const envelope = signer.sign('withdrawal', withdrawal);
    expect(verifier.verify('withdrawal', envelope)).toMatchObject({
      payload: withdrawal,
      agentKeyOf: 'billing-service',
    });
    for (const proposer of ['other-service', 'nobody', 'ops-1']) {
      expect(verifier.verify('withdrawal', signer.sign('withdrawal', { ...withdrawal, proposer }))).toBeUndefined();
    }
    const forged = createSigner('review', {
      privateKeys: () => [{ keyid: 'x', privateKey: keys.privateKeys('propose')[0].privateKey }],
    });
    expect(verifier.verify('reconciliation', forged.sign('reconciliation', reconciliation))).toBeUndefined();
  });

  it('verifies nothing while it cannot be read, and all once it can', () => {
    const { keys, signer, publicPem } = setUp();
    const file = join(directory, 'billing-service.pub');
    const verifier = createVerifier(keys.trust, sourceWith('file:billing-service.pub'), (reference) =>
      resolveReference(reference, directory, {}),
    );
    const envelope = signer.sign('withdrawal', withdrawal);
    expect(verifier.verify('withdrawal', envelope)).toBeUndefined();
    writeFileSync(file, 'not a key');
    expect(verifier.verify('withdrawal', envelope)).toBeUndefined();
    writeFileSync(file, publicPem);
    expect(verifier.verify('withdrawal', envelope)).toBeDefined();
  });

  it('is not needed for what the api signed in its name', () => {
    const { keys } = setUp();
    const verifier = createVerifier(keys.trust, nothing, never);
    const verified = verifier.verify('withdrawal', createSigner('propose', keys).sign('withdrawal', withdrawal));
    expect(verified).toBeDefined();
    expect(verified?.agentKeyOf).toBeUndefined();
  });
});

describe('credentials and references', () => {
  it('credentials have 256 random bits and are known by their hash', () => {
    expect(newAgentKey()).toMatch(/^hpk_[A-Za-z0-9_-]{43}$/);
    expect(newReviewerToken()).toMatch(/^hpr_[A-Za-z0-9_-]{43}$/);
    expect(newAgentKey()).not.toBe(newAgentKey());
    expect(hashKey('hpk_test')).toMatch(/^[0-9a-f]{64}$/);
  });

  it('references are read where they are needed, and a missing one names its place', () => {
    writeFileSync(join(directory, 'token'), 'secret\n');
    expect(resolveReference('file:token', directory, {})).toBe('secret');
    expect(resolveReference('env:TOKEN', directory, { TOKEN: 'x' })).toBe('x');
    for (const reference of ['env:NONE', 'env:EMPTY', 'file:none', 'plain']) {
      expect(() => resolveReference(reference, directory, { EMPTY: '' }, () => 'holdpoint.yaml:12:5')).toThrow(
        expect.objectContaining({
          code: 'reference_missing',
          message: expect.stringContaining('holdpoint.yaml:12:5') as string,
        }),
      );
    }
  });
});
