import { useId } from 'react';
import type { Review } from '../../contract/review.ts';
import { VisibleLines } from '../ui/visible.tsx';
import { TextPieces } from './text-pieces.tsx';

interface AgentWordsProps {
  readonly review: Review;
  /** Of a page with several reviews: then it is no landmark, of which each needs a name of its own. */
  readonly isPart?: boolean;
}

/** What the agent says about its call. Its words, not ours: labelled, and never drawn as anything but text. */
export function AgentWords({ review, isPart = false }: AgentWordsProps) {
  const { reason, context, threadId, group, callback } = review;
  const heading = useId();
  const hasContext = Object.keys(context).length > 0;
  if (reason === null && !hasContext && threadId === null && group === null && callback === null) return null;
  return (
    <section className="card agent" aria-labelledby={isPart ? undefined : heading}>
      <h2 id={heading}>
        In the agent’s own words <span className="quiet small">not checked by anybody</span>
      </h2>
      {reason !== null && (
        <blockquote>
          <TextPieces className="lines" text={reason} />
        </blockquote>
      )}
      <dl className="arguments">
        {threadId !== null && <Said name="thread" text={threadId} />}
        {group !== null && <Said name="group" text={group} />}
        {callback !== null && <Said name="callback" text={callback} />}
      </dl>
      {hasContext && (
        <>
          <h3 className="small">Context (what config pins for the agent overrides its own)</h3>
          <TextPieces text={JSON.stringify(context, null, 2)} />
        </>
      )}
    </section>
  );
}

function Said({ name, text }: { readonly name: string; readonly text: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <VisibleLines text={text} />
      </dd>
    </div>
  );
}
