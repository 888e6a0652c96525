import { useId, useMemo, type ReactNode } from 'react';
import type { Json } from '../../contract/json.ts';
import { writeJson } from '../../contract/exact-number.ts';
import { isSealed } from '../../domain/seal-binding.ts';
import type { Block } from '../../domain/show/shown.ts';
import { writeValue } from '../../domain/text/write-value.ts';
import { PartView, Visible } from '../ui/visible.tsx';
import { words } from '../words.ts';
import { cutIntoPieces, highlightSql } from './pieces.ts';
import { Piece } from './seen.tsx';

/** Around one part of what is shown: a piece that has to be seen, or not. */
export type PartOf = (props: { readonly children: ReactNode; readonly className?: string }) => ReactNode;

/** A value that is no longer than this stands on one line. */
const SHORT = 72;

/** Arguments or context by name, each in full, with what read it. */
export function Values({ values, readers = {}, isSorted, Part }: ValuesProps) {
  const all = Object.entries(values);
  const entries = isSorted ? all.toSorted(([a], [b]) => (a < b ? -1 : 1)) : all;
  if (entries.length === 0) return <p className="quiet">{words.review.noValues}</p>;
  return (
    <dl className="arguments">
      {entries.map(([name, value]) => (
        <div key={name}>
          <dt>
            <Part>
              <code>
                <Visible text={name} />
              </code>
              <ReadBy names={Object.hasOwn(readers, name) ? readers[name] : undefined} />
            </Part>
          </dt>
          <dd>
            {isSealed(value) ? (
              <Part>
                <span className="badge badge-quiet">{words.review.sealed}</span> {words.review.sealedMeans}
              </Part>
            ) : (
              <TextPieces className={isShort(value) ? 'fact' : 'code'} text={writeInFull(value)} />
            )}
          </dd>
        </div>
      ))}
    </dl>
  );
}

interface ValuesProps extends Pick<Extract<Block, { kind: 'values' }>, 'values' | 'readers'> {
  /** By name; arguments come in the order of their schema. */
  readonly isSorted: boolean;
  readonly Part: PartOf;
}

/** The rules, or the approval, that the value of an argument decided on. */
function ReadBy({ names }: { readonly names: readonly string[] | undefined }) {
  return names?.map((name) => (
    <span key={name} className="read-by">
      <span className="unseen-by-eye">{words.review.readBy} </span>
      <Visible text={name} />
    </span>
  ));
}

function isShort(value: Json): boolean {
  const line = writeValue(value);
  return line.length <= SHORT && !line.includes('\n');
}

function writeInFull(value: Json): string {
  const line = writeValue(value);
  return typeof value === 'string' || line.length <= SHORT ? line : writeJson(value, 2);
}

/** Text in full, in pieces that are each noted once they were on screen. */
export function TextPieces({
  text,
  syntax,
  label,
  className = 'code',
}: {
  readonly text: string;
  readonly syntax?: 'sql' | undefined;
  readonly label?: ReactNode;
  readonly className?: 'code' | 'fact' | 'cell' | 'lines';
}) {
  const heading = useId();
  // Two hundred kilobytes take a moment: once is enough.
  const pieces = useMemo(() => cutIntoPieces(text, syntax === 'sql' ? highlightSql(text) : undefined), [text, syntax]);
  const isNamed = label !== undefined;
  return (
    <>
      {isNamed && (
        <h3 id={heading} className="small">
          {label}
        </h3>
      )}
      <div className={className} aria-labelledby={isNamed ? heading : undefined} role={isNamed ? 'group' : undefined}>
        {pieces.map((piece, index) => (
          <Piece key={index}>
            {piece.map(({ part, mark }, at) => (
              <span key={at} className={mark === undefined ? undefined : `sql-${mark}`}>
                <PartView part={part} />
              </span>
            ))}
          </Piece>
        ))}
      </div>
    </>
  );
}
