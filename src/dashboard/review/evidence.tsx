import type { Fact } from '../../contract/call.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import type { Review } from '../../contract/review.ts';
import { writeCell, writeText } from '../../domain/text/write-value.ts';
import { age, localTime } from '../ui/time.ts';
import { Instant } from '../ui/times.tsx';
import { Visible } from '../ui/visible.tsx';
import { serverNow } from '../data/clock.ts';
import { writeFact } from '../../domain/money.ts';
import { Piece } from './seen.tsx';
import { TextPieces } from './text-pieces.tsx';

/** What Holdpoint found out by itself; nothing here comes from the agent. */
export function EvidenceView({ review }: { readonly review: Review }) {
  const evidence = review.evidence.at(0);
  if (evidence === undefined) {
    return review.previewError === null ? null : (
      <section className="card evidence">
        <h2>Checked by Holdpoint</h2>
        <Piece>
          <p className="note note-warn">
            There is no evidence: the preview failed (<Visible text={review.previewError.message} />
            ). The call below is all there is to judge by.
          </p>
        </Piece>
      </section>
    );
  }
  return (
    <section className="card evidence">
      <h2>
        Checked by Holdpoint{' '}
        <span className="quiet small">
          <Instant at={evidence.gatheredAt} />
        </span>
      </h2>
      <dl className="facts">
        {evidence.facts
          .filter((fact) => !isLarge(fact))
          .map((fact) => (
            <div key={fact.name}>
              <dt>
                <Visible text={fact.label} />
              </dt>
              <dd>
                <Piece>
                  <PlainFact fact={fact} written={writeFact(fact, review.call.tool, evidence.facts)} />
                </Piece>
              </dd>
            </div>
          ))}
      </dl>
    </section>
  );
}

/** Evidence that takes room (rows, lists), after the call that it is about. */
export function EvidenceSamples({ review }: { readonly review: Review }) {
  const large = review.evidence.at(0)?.facts.filter(isLarge) ?? [];
  return large.map((fact) => (
    <section key={fact.name} className="card evidence">
      <h2>
        <Visible text={fact.label} /> <span className="quiet small">checked by Holdpoint</span>
      </h2>
      <LargeFact value={fact.value} label={fact.label} />
    </section>
  ));
}

function isLarge({ value }: Fact): boolean {
  return typeof value === 'object' && value !== null;
}

interface PlainFactProps {
  readonly fact: Fact;
  /** An amount in its currency. */
  readonly written: string | undefined;
}

function PlainFact({ fact: { name, value }, written }: PlainFactProps) {
  if (typeof value === 'number') {
    const number = value.toLocaleString();
    if (written === undefined) return <strong>{number}</strong>;
    return (
      <>
        <strong>{written}</strong> <span className="quiet">({number})</span>
      </>
    );
  }
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (value === null) return 'none';
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value) && !Number.isNaN(Date.parse(value))) {
    return (
      <time dateTime={value} title={value} data-fact={name}>
        {localTime(value)} ({age(serverNow() - Date.parse(value))})
      </time>
    );
  }
  return typeof value === 'string' ? <Visible text={writeText(value)} lines /> : null;
}

/** Each cell is a piece of its own: of a table that is wider than the screen, no row is ever on it as a whole. */
function LargeFact({ value, label }: { readonly value: Json; readonly label: string }) {
  const rows = Array.isArray(value) && value.length > 0 && value.every(isFlat) ? (value as JsonObject[]) : undefined;
  if (rows === undefined) return <TextPieces text={JSON.stringify(value, null, 2)} />;
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return (
    // It scrolls sideways where it is wider than the screen, so it has to be reachable by keyboard.
    <div className="table-box" tabIndex={0} role="group" aria-label={label}>
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                <Visible text={column} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              {columns.map((column) => (
                <td key={column}>
                  <TextPieces className="cell" text={writeCell(row[column])} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function isFlat(row: Json): boolean {
  return (
    typeof row === 'object' &&
    row !== null &&
    !Array.isArray(row) &&
    Object.values(row).every((value) => typeof value !== 'object' || value === null)
  );
}
