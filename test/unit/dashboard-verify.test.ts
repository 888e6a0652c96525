import { afterAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { checkProof } from '../../src/dashboard/proof/verify.ts';
import { materialOf, Story, TRUST } from '../support/proof-fixture.ts';
import { AT } from '../support/storage-fixtures.ts';

// Files of this tier share their process: the page's code gets its own globals, which go with it.
const nodeBuffer = vi.hoisted(() => {
  vi.resetModules();
  return globalThis.Buffer;
});
afterAll(() => {
  vi.resetModules();
  Object.assign(globalThis, { Buffer: nodeBuffer });
  z.config({ jitless: false });
});

describe('a proof checked on the page', () => {
  const plain = materialOf();
  const file = new Story().proposed().classified(plain).decided(plain, 'ops-1').started(plain).finished().proof();

  test('says as the command line does up to where it is whole, and what was cut', () => {
    expect(checkProof(file, TRUST)).toMatchObject({ ok: true, completeness: { n: 5, at: AT } });
    const cut = checkProof({ ...file, entries: file.entries.slice(0, 3) }, TRUST);
    expect(cut).toMatchObject({ ok: false, completeness: null, findings: [{ code: 'proof_incomplete' }] });
  });
});
