import { Button } from 'react-aria-components';
import type { Review } from '../../contract/review.ts';
import { diffJson } from '../ui/diff.ts';
import { JsonDiff } from '../ui/json-diff.tsx';
import { Visible, VisibleLines } from '../ui/visible.tsx';
import { useEarlier, type Earlier } from './earlier.ts';
import { Piece } from './seen.tsx';

/** What this version changed against the one before it. */
export function Changes({ review }: { readonly review: Review }) {
  const current = review.revisions.at(-1);
  const earlier = useEarlier(review);
  if (review.revision === 1 || current === undefined) return 'Nothing: this is the first version';
  const asked = review.revisions.at(-2)?.decisions.findLast(({ type }) => type === 'revise');
  return (
    <>
      Version {review.revision}, by <Visible text={current.by} />
      {asked !== undefined && asked.comment !== null && (
        <Piece>
          <Visible text={asked.reviewer} /> had asked for: <VisibleLines text={asked.comment} />
        </Piece>
      )}
      <Difference earlier={earlier} />
    </>
  );
}

function Difference({ earlier }: { readonly earlier: Earlier }) {
  switch (earlier.state) {
    case 'none':
      return null;
    case 'reading':
      return <span className="quiet"> (reading the one before…)</span>;
    case 'gone':
      return <span className="quiet"> (the one before is not kept any more)</span>;
    case 'failed':
      return (
        <>
          {' '}
          <span className="tone-bad">The one before could not be read.</span>{' '}
          <Button className="button button-small" onPress={earlier.retry}>
            Read it again
          </Button>
        </>
      );
    case 'known': {
      const { before, after } = earlier;
      const isMore = diffJson(before.rest, after.rest).some(({ kind }) => kind !== 'same');
      return (
        <>
          <JsonDiff
            before={before.arguments}
            after={after.arguments}
            label="Changes since the version before"
            isFolded
            line={asPiece}
          />
          {isMore ? (
            <>
              <p className="quiet small">Beside the arguments:</p>
              <JsonDiff before={before.rest} after={after.rest} label="Beside the arguments" isFolded line={asPiece} />
            </>
          ) : (
            <p className="quiet small">Target, evidence, class, levels and deadline are the same.</p>
          )}
        </>
      );
    }
    default:
      return earlier satisfies never;
  }
}

/** Said where the decision is made: that nobody could compare this version with the one before. */
export function NotCompared({ review }: { readonly review: Review }) {
  const { state } = useEarlier(review);
  if (state !== 'failed' && state !== 'gone') return null;
  return (
    <p className="decide-unseen" role="status">
      What version {review.revision} changed is not shown: the one before could not be read.
    </p>
  );
}

function asPiece(text: React.ReactNode): React.ReactNode {
  return <Piece>{text}</Piece>;
}
