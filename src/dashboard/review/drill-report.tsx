import { useQuery } from '@tanstack/react-query';
import type { DrillNotice } from '../../contract/drill.ts';
import type { Review } from '../../contract/review.ts';
import { client } from '../data/client.ts';
import { Instant } from '../ui/times.tsx';
import { Visible } from '../ui/visible.tsx';
import { words } from '../words.ts';

/** Deliveries change without a change of the review. */
const EVERY_MS = 5_000;

/** Of a drill: who was told by which channel, and who answered. */
export function DrillReport({ review }: { readonly review: Review }) {
  const answers = review.levels.flatMap(({ decisions }) => decisions).length;
  const { data, isError } = useQuery({
    queryKey: ['drill', review.reviewId, answers, review.status],
    queryFn: () => client.reviews.drillReport(review.reviewId),
    placeholderData: (before) => before,
    refetchInterval: review.status === 'pending' ? EVERY_MS : false,
  });
  const [reviewer, message, answer] = words.drill.columns;
  return (
    <section className="card" aria-labelledby="drill">
      <h2 id="drill">{words.drill.report}</h2>
      {isError && <p className="note note-bad">{words.drill.failed}</p>}
      {data !== undefined && (
        <div className="table-box" role="region" aria-labelledby="drill" tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">{reviewer}</th>
                <th scope="col">{message}</th>
                <th scope="col">{answer}</th>
              </tr>
            </thead>
            <tbody>
              {data.members.map((member) => (
                <tr key={member.reviewer}>
                  <th scope="row">
                    <Visible text={member.reviewer} />
                  </th>
                  <td>{member.notices.length === 0 ? words.drill.noMessage : <Notices notices={member.notices} />}</td>
                  <td>
                    {member.answer === null ? (
                      data.endedAt === null ? (
                        words.drill.noAnswer
                      ) : (
                        words.drill.missed
                      )
                    ) : (
                      <>
                        <Instant at={member.answer.at} /> {words.drill.by(member.answer.channel)}
                      </>
                    )}
                  </td>
                </tr>
              ))}
              {data.notices.length > 0 && (
                <tr>
                  <th scope="row">{words.drill.toAll}</th>
                  <td colSpan={2}>
                    <Notices notices={data.notices} />
                  </td>
                </tr>
              )}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Notices({ notices }: { readonly notices: readonly DrillNotice[] }) {
  return notices.map(({ destination, state, code, at }) => (
    <div key={destination}>
      <Visible text={destination.startsWith('email:') ? words.drill.mail : destination} /> {words.drill.states[state]}
      {code === null ? '' : ` (${code})`} {at !== null && <Instant at={at} />}
    </div>
  ));
}
