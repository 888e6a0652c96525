import type { Review } from '../../contract/review.ts';
import { countYeses } from '../../domain/eligibility.ts';
import { Instant } from '../ui/times.tsx';
import { Visible, VisibleLines } from '../ui/visible.tsx';
import { DECISION_WORDS } from '../ui/words.ts';

/** Who has to say yes, step by step, and how far it is. */
export function Levels({ review }: { readonly review: Review }) {
  if (review.levels.length === 0) return null;
  return (
    <section className="card" aria-labelledby="levels">
      <h2 id="levels">Who says yes</h2>
      <ol className="levels">
        {review.levels.map((level, index) => {
          const yeses = countYeses(level);
          return (
            <li key={level.name} data-status={level.status}>
              <p>
                <strong>
                  {index + 1}. <Visible text={level.name} />
                </strong>{' '}
                <span className="quiet">
                  (<Visible text={level.approvers.join(' or ')} />
                  {level.escalation !== null && (
                    <>
                      ; <Visible text={level.escalation.to.join(', ')} /> from <Instant at={level.escalation.at} />
                    </>
                  )}
                  )
                </span>
              </p>
              <div className="progress">
                <progress max={level.quorum} value={yeses} aria-label={`Votes of level ${level.name}`} />
                <span>
                  {yeses} of {level.quorum} {level.status === 'waiting' ? '(not open yet)' : ''}
                  {level.status === 'passed' ? '(passed)' : ''}
                </span>
              </div>
              {level.decisions.map((decision) => (
                <p key={decision.decisionUlid} className="small">
                  <Visible text={decision.reviewer} /> {DECISION_WORDS[decision.type]},{' '}
                  <Instant at={decision.decidedAt} />
                  {decision.comment !== null && (
                    <q>
                      <VisibleLines text={decision.comment} />
                    </q>
                  )}
                </p>
              ))}
            </li>
          );
        })}
      </ol>
      {review.separationOfDuties && (
        <p className="quiet small">
          Separation of duties: the proposer, its owner and who voted on an earlier level cannot vote.
        </p>
      )}
    </section>
  );
}
