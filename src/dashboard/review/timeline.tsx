import type { Review } from '../../contract/review.ts';
import { Instant } from '../ui/times.tsx';
import { Visible, VisibleLines } from '../ui/visible.tsx';
import { executionErrorWords } from '../ui/words.ts';
import { timelineOf } from './timeline-events.ts';
import { TextPieces } from './text-pieces.tsx';

/** What happened, oldest first. */
export function Timeline({ review }: { readonly review: Review }) {
  return (
    <section className="card" aria-labelledby="timeline">
      <h2 id="timeline">What happened</h2>
      <ol className="timeline">
        {timelineOf(review).map((event) => (
          <li key={`${event.at} ${event.kind} ${event.who}`} data-kind={event.kind}>
            <Instant at={event.at} />
            <span>
              {event.who !== '' && (
                <strong>
                  <Visible text={event.who} />{' '}
                </strong>
              )}
              {event.what}
              {event.words !== null && (
                <blockquote>
                  <VisibleLines text={event.words} />
                </blockquote>
              )}
            </span>
          </li>
        ))}
      </ol>
      <Outcome review={review} />
    </section>
  );
}

function Outcome({ review }: { readonly review: Review }) {
  const { body, error, upstreamStatus, edited, reconciled } = review.execution;
  if (review.execution.status === 'not_started') return null;
  return (
    <>
      {edited === true && <p className="note note-warn">What ran is not what was proposed: a reviewer edited it.</p>}
      {error !== null && (
        <p className="note note-bad">
          {executionErrorWords(error.code)} (<code>{error.code}</code>)
          {error.message !== executionErrorWords(error.code) && (
            <>
              : <Visible text={error.message} />
            </>
          )}
        </p>
      )}
      {reconciled !== undefined && (
        <p className="note">
          <Visible text={reconciled.by} /> established: {reconciled.outcome}. <VisibleLines text={reconciled.note} />
        </p>
      )}
      {upstreamStatus !== undefined && <p className="small">The target answered with {upstreamStatus}.</p>}
      {body !== undefined && <TextPieces text={JSON.stringify(body, null, 2)} label="Answer of the target" />}
    </>
  );
}
