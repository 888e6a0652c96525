import { Link } from '@tanstack/react-router';
import type { DecisionResult } from '../../client/reviews.ts';
import type { Review, ReviewRow } from '../../contract/review.ts';
import { approversAt, countYeses, openLevelOf } from '../../domain/eligibility.ts';
import { titleLine } from '../../domain/show/title.ts';
import { writeLine } from '../../domain/show/to-text.ts';
import { Piece } from '../review/seen.tsx';
import { LineView } from '../review/shown-view.tsx';
import { ClassBadge, ExecutionBadge, StatusBadge } from '../ui/badge.tsx';
import { refusalText } from '../ui/refusal.ts';
import { TimeLeft } from '../ui/times.tsx';
import { Visible } from '../ui/visible.tsx';
import { words } from '../words.ts';
import type { Comparison, Content, Entry } from './compare.ts';
import { Alert, Fact } from '../ui/parts.tsx';

/** A call of the group, with what may be done with it here. */
export interface Member {
  readonly row: ReviewRow;
  readonly review: Review;
  readonly entries: readonly Entry[];
  readonly canReject: boolean;
  /** Everything there is to see of it is in the table, and its class allows it. */
  readonly canApprove: boolean;
  /** It may be approved, on its own page. */
  readonly isAlone: boolean;
}

interface TableProps {
  readonly members: readonly Member[];
  readonly comparison: Comparison;
  readonly selected: ReadonlySet<string>;
  readonly results: ReadonlyMap<string, DecisionResult>;
  readonly now: number;
  readonly onSelect: (members: readonly Member[], isSelected: boolean) => void;
}

/** What all calls have in common, once; what differs between them, in columns. On a phone each call is a card. */
export function GroupTable({ members, comparison, selected, results, now, onSelect }: TableProps) {
  const { common, columns } = comparison;
  const selectable = members.filter(({ canReject, canApprove }) => canReject || canApprove);
  const classes = new Set(members.map(({ review }) => review.class));
  return (
    <>
      <section className="card" aria-label={words.group.common}>
        <h2>{words.group.common}</h2>
        {classes.size === 1 && <ClassBadge value={[...classes][0] ?? null} />}
        <dl className="facts">
          {common.map(({ key, label, content }) => (
            <Fact key={key} name={<LineView line={label} />}>
              <ContentView content={content} />
            </Fact>
          ))}
        </dl>
      </section>
      {/* It scrolls sideways where it is wider than the screen, so it has to be reachable by keyboard. */}
      <div className="table-box" tabIndex={0} role="group" aria-label={words.group.table}>
        <table className="group-table" role="table">
          <thead role="rowgroup">
            <tr role="row">
              <th role="columnheader" scope="col">
                <label className="select">
                  <input
                    type="checkbox"
                    aria-label={words.group.selectAll}
                    checked={selectable.length > 0 && selectable.every(({ row }) => selected.has(row.reviewId))}
                    disabled={selectable.length === 0}
                    onChange={({ target }) => onSelect(selectable, target.checked)}
                  />
                </label>
              </th>
              <th role="columnheader" scope="col">
                {words.group.call}
              </th>
              {columns.map(({ key, label }) => (
                <th key={key} role="columnheader" scope="col">
                  <LineView line={label} />
                </th>
              ))}
              <th role="columnheader" scope="col">
                {words.group.state}
              </th>
            </tr>
          </thead>
          <tbody role="rowgroup">
            {members.map((member) => (
              <MemberRow
                // Another version has to be seen again.
                key={`${member.row.reviewId} ${member.review.call.digest ?? ''}`}
                member={member}
                columns={columns}
                hasClass={classes.size > 1}
                isSelected={selected.has(member.row.reviewId)}
                result={results.get(member.row.reviewId)}
                now={now}
                onSelect={(isSelected) => onSelect([member], isSelected)}
              />
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

interface RowProps {
  readonly member: Member;
  readonly columns: Comparison['columns'];
  readonly hasClass: boolean;
  readonly isSelected: boolean;
  readonly result: DecisionResult | undefined;
  readonly now: number;
  readonly onSelect: (isSelected: boolean) => void;
}

function MemberRow({ member, columns, hasClass, isSelected, result, now, onSelect }: RowProps) {
  const { row, review, entries, canReject, canApprove, isAlone } = member;
  const title = titleLine(row);
  return (
    <tr role="row" data-testid="group-item" data-selected={isSelected ? '' : undefined}>
      <td role="cell">
        <label className="select">
          <input
            type="checkbox"
            aria-label={words.group.select(writeLine(title))}
            checked={isSelected}
            disabled={!canReject && !canApprove}
            onChange={({ target }) => onSelect(target.checked)}
          />
        </label>
      </td>
      <td role="cell" className="group-title">
        <Piece>
          <Link to="/reviews/$reviewId" params={{ reviewId: row.reviewId }}>
            <LineView line={title} />
          </Link>
        </Piece>
      </td>
      {columns.map(({ key, label }) => {
        const content = entries.find((entry) => entry.key === key)?.content;
        return (
          <td key={key} role="cell" className="group-cell">
            {content !== undefined && (
              <>
                {/* On a phone, where the heads of columns are not drawn. */}
                <span className="group-label">
                  <LineView line={label} />
                </span>
                <ContentView content={content} />
              </>
            )}
          </td>
        );
      })}
      <td role="cell" className="group-state">
        {hasClass && <ClassBadge value={review.class} />}
        {row.status === 'pending' ? (
          <TimeLeft until={row.expiresAt} now={now} />
        ) : row.executionStatus === 'not_started' ? (
          <StatusBadge value={row.status} />
        ) : (
          <ExecutionBadge value={row.executionStatus} />
        )}
        <OpenLevel review={review} now={now} />
        {isAlone && (
          <Link to="/reviews/$reviewId" params={{ reviewId: row.reviewId }} state={{ asked: 'approve' }}>
            {words.group.approveAlone}
          </Link>
        )}
        {result?.code !== undefined && <Alert>{refusalText(result.code)}</Alert>}
      </td>
    </tr>
  );
}

/** Which level a vote counts for, and what it lacks; of a single vote there is nothing to say. */
function OpenLevel({ review, now }: { readonly review: Review; readonly now: number }) {
  const level = openLevelOf(review);
  if (level === undefined || (review.levels.length === 1 && level.quorum === 1)) return null;
  const who = approversAt(level, now).join(words.policy.or);
  const place = { level: review.level, levels: review.levels.length, name: level.name };
  return (
    <span className="quiet small">
      <Visible text={words.group.level({ ...place, votes: countYeses(level), quorum: level.quorum, who })} />
    </span>
  );
}

function ContentView({ content }: { readonly content: Content }) {
  return (
    <Piece className="lines">
      {'line' in content ? <LineView line={content.line} /> : <Visible text={content.text} lines />}
    </Piece>
  );
}
