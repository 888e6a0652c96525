import { useMemo } from 'react';
import { PartView } from '../ui/visible.tsx';
import { cutIntoPieces, type Segment, type Span } from './pieces.ts';
import { Piece } from './seen.tsx';

/** Text in full, in pieces that are each noted once they were on screen. */
export function TextPieces({
  text,
  segments,
  label,
  className = 'code',
}: {
  readonly text: string;
  readonly segments?: readonly Segment[];
  readonly label?: string;
  readonly className?: 'code' | 'cell' | 'lines';
}) {
  // Two hundred kilobytes take a moment: once is enough.
  const pieces = useMemo(() => cutIntoPieces(text, segments), [text, segments]);
  return (
    <div className={className} aria-label={label} role={label === undefined ? undefined : 'group'}>
      {pieces.map((piece, index) => (
        // A text never changes in place: another version is another review page.
        <Piece key={index}>
          <SpanList spans={piece} />
        </Piece>
      ))}
    </div>
  );
}

function SpanList({ spans }: { readonly spans: readonly Span[] }) {
  return spans.map(({ part, mark }, index) => (
    <span key={index} className={mark === undefined ? undefined : `sql-${mark}`}>
      <PartView part={part} />
    </span>
  ));
}
