import { useQuery } from '@tanstack/react-query';
import type { Review } from '../../contract/review.ts';
import { toolQuery } from '../data/queries.ts';
import { localTime } from '../ui/time.ts';
import { LiveTimeLeft } from '../ui/times.tsx';
import { Visible } from '../ui/visible.tsx';
import { reasonWords } from '../ui/words.ts';
import { Changes } from './changes.tsx';
import { Piece } from './seen.tsx';

/** Why it is held, what changed, who is answerable, how long is left. What will happen is what stands beside this. */
export function Questions({ review }: { readonly review: Review }) {
  const { proposer, expiresAt, status } = review;
  const waits = status === 'pending' || status === 'changes_requested';
  return (
    <dl className="questions">
      <div>
        <dt>Why is it held?</dt>
        <dd>
          <Piece>
            <Reasons review={review} />
          </Piece>
        </dd>
      </div>
      <div>
        <dt>What changed?</dt>
        <dd>
          <Changes review={review} />
        </dd>
      </div>
      <div>
        <dt>Who is answerable?</dt>
        <dd>
          {proposer.owner === null ? (
            <>
              <strong className="tone-bad">No owner</strong> (<Visible text={proposer.id} />)
            </>
          ) : (
            <>
              <strong>
                <Visible text={proposer.owner} />
              </strong>
              , for <Visible text={proposer.id} />
            </>
          )}
          {!proposer.attested && <span className="tone-bad"> (unsigned: this name is only claimed)</span>}
        </dd>
      </div>
      {waits && (
        <div>
          <dt>How long is left?</dt>
          <dd>
            <LiveTimeLeft until={expiresAt} />
            {expiresAt !== null && <span className="quiet">, then no ({localTime(expiresAt)})</span>}
          </dd>
        </div>
      )}
    </dl>
  );
}

function Reasons({ review }: { readonly review: Review }) {
  const tool = useQuery({ ...toolQuery(review.call.tool), enabled: review.kind === 'call' }).data;
  const reasons = review.reasonCodes.map(reasonWords);
  if (review.kind === 'in-flow') reasons.unshift('A workflow asks and waits for the answer');
  return (
    <>
      <Visible text={reasons.length === 0 ? 'Its class asks for it' : reasons.join('; ')} />
      {tool?.reason !== null && tool?.reason !== undefined && (
        <span className="quiet">
          {' '}
          (<Visible text={tool.reason} />)
        </span>
      )}
    </>
  );
}
