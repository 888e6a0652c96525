import { useMutation } from '@tanstack/react-query';
import { Button } from 'react-aria-components';
import type { Review } from '../../contract/review.ts';
import { notify } from '../app/notices.tsx';
import { client } from '../data/client.ts';
import { VerifyProof } from '../proof/verify-proof.tsx';
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
      <VerifyProof reviewId={review.reviewId} />
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
