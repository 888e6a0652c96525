import { describe, expect, test } from 'vitest';
import { checkProof } from '../../src/dashboard/proof/verify.ts';
import { materialOf, Story, TRUST } from '../support/proof-fixture.ts';
import { AT } from '../support/storage-fixtures.ts';

describe('a proof checked on the page', () => {
  const plain = materialOf();
  const file = new Story().proposed().classified(plain).decided(plain, 'ops-1').started(plain).finished().proof();

  test('says as the command line does up to where it is whole, and what was cut', () => {
    expect(checkProof(file, TRUST)).toMatchObject({ ok: true, completeness: { n: 5, at: AT } });
    const cut = checkProof({ ...file, entries: file.entries.slice(0, 3) }, TRUST);
    expect(cut).toMatchObject({ ok: false, completeness: null, findings: [{ code: 'proof_incomplete' }] });
  });
});
