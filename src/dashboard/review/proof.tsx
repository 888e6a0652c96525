import { useMutation } from '@tanstack/react-query';
import { Button } from 'react-aria-components';
import type { AuditKeys } from '../../contract/audit-query.ts';
import type { Review } from '../../contract/review.ts';
import { notify } from '../app/notices.tsx';
import { client, getJson } from '../data/client.ts';
import { keep, trustFor } from '../proof/kept-trust.ts';
import { TrustedCheck } from '../proof/trusted-check.tsx';
import { Instant } from '../ui/times.tsx';
import { words } from '../words.ts';
import { Fact } from '../ui/parts.tsx';

/** The record of this review, to be checked independently. */
export function Proof({ review }: { readonly review: Review }) {
  const url = review.workflow?.url ?? null;
  const download = useMutation({
    mutationFn: () => client.reviews.proof(review.reviewId),
    onSuccess: (proof) => saveAs(`${review.reviewId}.proof.json`, JSON.stringify(proof, null, 2)),
    onError: () => notify('bad', words.proof.failed),
  });
  return (
    <section className="card" aria-labelledby="proof">
      <h2 id="proof">{words.proof.record}</h2>
      <div className="buttons">
        <Button className="button" onPress={() => download.mutate()} isDisabled={download.isPending}>
          {words.proof.download}
        </Button>
        {url !== null && (
          <a className="button" href={url} target="_blank" rel="noreferrer">
            {words.proof.workflow}
          </a>
        )}
      </div>
      <TrustedCheck button={words.proof.verify} failed={words.proof.failed} check={() => verifyHere(review.reviewId)}>
        {({ result }) => <Verdict {...result} />}
      </TrustedCheck>
      <dl className="arguments small">
        <Fact name={words.proof.review}>
          <code>{review.reviewId}</code>
        </Fact>
        {review.call.digest !== null && (
          <Fact name={words.proof.digest}>
            <code>{review.call.digest}</code>
          </Fact>
        )}
      </dl>
    </section>
  );
}

function saveAs(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

function Verdict({ ok, findings, entries, size, completeness }: Awaited<ReturnType<typeof verifyHere>>['result']) {
  if (ok && completeness !== null) {
    return (
      <p role="status" className="note note-good" data-verdict="ok">
        {words.proof.holds(entries, size ?? entries)} {words.proof.completeTo(completeness.n)}{' '}
        <Instant at={completeness.at} />.{entries > completeness.n && ` ${words.proof.notBeyond}`}
      </p>
    );
  }
  return (
    <div role="alert" className="note note-bad" data-verdict="failed">
      <p>{words.proof.doesNotHold}</p>
      <ul>
        {findings.map(({ code, words: text, index }) => (
          <li key={`${code} ${index}`}>
            {text}
            {index !== null && ` ${words.proof.atEntry(index)}`}
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Checks all of a review's proof here: signatures, inclusion, order, and that the votes carry the call. */
async function verifyHere(reviewId: string) {
  const [file, offered, { checkProof }] = await Promise.all([
    client.reviews.proof(reviewId),
    getJson<AuditKeys>('/v1/audit/keys'),
    import('../proof/verify.ts'),
  ]);
  const { kept, isFirst } = trustFor(localStorage, offered, new Date().toISOString());
  keep(localStorage, kept);
  return { result: checkProof(file, kept.keys), kept, isFirst, offered };
}
