import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { dataDirOf } from '../access.ts';
import { renderProof, verifyWith } from '../audit/proof-check.ts';
import { readTrust } from '../audit/trust.ts';
import { check, say, scene, type Tour } from './tour.ts';

/** What an outsider would do: take the proof, and verify it with keys got from somewhere else. */
export async function fetchAndVerifyProof(tour: Tour, reviewId: string): Promise<void> {
  scene(tour, '2. The proof');
  const proof = await tour.reviewer.reviews.proof(reviewId);
  const text = `${JSON.stringify(proof)}\n`;
  const path = join(dataDirOf(tour.io), `${reviewId}.proof.json`);
  writeFileSync(path, text, { mode: 0o600 });
  const trust = readTrust(tour.io, undefined);
  const verdict = verifyWith(text, trust);
  tour.io.print(...renderProof(tour.io, verdict));
  check(tour, 'the proof verifies with the keys of this deployment', verdict.ok);
  const edited = text.replace('"reviewer":"ops-1"', '"reviewer":"ops-2"');
  check(tour, 'a proof with another reviewer’s name does not', edited !== text && !verifyWith(edited, trust).ok);
  const cut = JSON.stringify({ ...proof, entries: proof.entries.slice(0, -2) });
  check(tour, 'a proof from which the last entries were cut does not', !verifyWith(cut, trust).ok);
  say(
    tour,
    `kept in ${relative(tour.io.cwd, path)}; check it yourself:`,
    `  npx holdpoint audit verify --proof ${relative(tour.io.cwd, path)}`,
  );
}
