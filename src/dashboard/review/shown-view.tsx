import { useId, type ReactNode } from 'react';
import { Link } from '@tanstack/react-router';
import { Button, Disclosure, DisclosurePanel, Heading } from 'react-aria-components';
import { writeJson } from '../../contract/exact-number.ts';
import { quoteSaid, type Block, type Line, type Pair, type Section } from '../../domain/show/shown.ts';
import { ChangesView } from '../ui/changes.tsx';
import { Instant, LiveAge, LiveTimeLeft } from '../ui/times.tsx';
import { Visible } from '../ui/visible.tsx';
import { Piece } from './seen.tsx';
import { TextPieces, Values, type PartOf } from './values.tsx';
import { words } from '../words.ts';

/** One part of a review as a card of its own. Whose words it is made of is drawn, not only said. */
export function SectionCard({ section, blocks = section.blocks, note }: SectionProps) {
  const heading = useId();
  return (
    <section className={`card voice-${section.voice}`} aria-labelledby={heading} data-section={section.id}>
      {/* What is folded has its own heading. */}
      <h2 id={heading} className={blocks.every(isFolded) ? 'unseen-by-eye' : undefined}>
        {section.heading}
      </h2>
      <Blocks section={section} blocks={blocks} />
      {note}
    </section>
  );
}

interface SectionProps {
  readonly section: Section;
  /** Only these of its blocks. */
  readonly blocks?: readonly Block[];
  readonly note?: ReactNode;
}

function isFolded(block: Block): boolean {
  return 'isFolded' in block && block.isFolded;
}

/** Of these nothing is decided on: they may be approved unread. */
const UNREAD = new Set<Section['id']>(['earlier', 'levels', 'timeline', 'end']);

/** The blocks of a section, without a frame: for the head of the page, and where several reviews share one. */
export function Blocks({ section, blocks = section.blocks }: Omit<SectionProps, 'note'>) {
  const Part = UNREAD.has(section.id) ? Unread : Piece;
  return (
    <div className={section.id === 'call' ? 'blocks call' : 'blocks'}>
      {blocks.map((block, index) => (
        // A review never changes in place: another version is another page.
        <BlockView key={index} block={block} id={section.id} Part={Part} />
      ))}
    </div>
  );
}

function Unread({ children, className }: { readonly children: ReactNode; readonly className?: string }) {
  return <div className={className}>{children}</div>;
}

interface BlockProps {
  readonly block: Block;
  readonly id: Section['id'];
  readonly Part: PartOf;
}

function BlockView({ block, id, Part }: BlockProps) {
  switch (block.kind) {
    case 'pairs':
      return <Pairs pairs={block.pairs} id={id} Part={Part} />;
    case 'values':
      return (
        <>
          {id !== 'call' && <h3 className="small">{block.label}</h3>}
          <Values {...block} Part={Part} isSorted={id !== 'call'} />
        </>
      );
    case 'text':
    case 'json': {
      const text = block.kind === 'text' ? block.text : writeJson(block.value, 2);
      const label = <LineView line={block.label} />;
      if (block.isFolded !== true) {
        return <TextPieces text={text} syntax={block.kind === 'text' ? block.syntax : undefined} label={label} />;
      }
      return (
        <Folded label={label}>
          <pre className="code">
            <Visible text={text} lines />
          </pre>
        </Folded>
      );
    }
    case 'table':
      return <TableView {...block} />;
    case 'changes':
      return (
        <ChangesView
          lines={block.lines}
          label={words.review.changesSince}
          isFolded
          line={(text) => <Piece>{text}</Piece>}
        />
      );
    case 'events':
      return (
        <ol className="timeline">
          {block.events.map(({ kind, at, line, comment }) => (
            <li key={`${at} ${kind}`} data-kind={kind}>
              <Instant at={at} />
              <span>
                <LineView line={line} />
                {comment !== null && (
                  <blockquote className="lines">
                    <Visible text={comment} lines />
                  </blockquote>
                )}
              </span>
            </li>
          ))}
        </ol>
      );
    case 'quote':
      return (
        <blockquote>
          <TextPieces className="lines" text={block.text} />
        </blockquote>
      );
    case 'warning':
      return (
        <Part className="note note-warn">
          <LineView line={block.line} />
        </Part>
      );
    default:
      return block satisfies never;
  }
}

/** A line, with what others said marked; in quotes where it is more than a name. */
export function LineView({ line }: { readonly line: Line }) {
  return line.map((part, index) => {
    if (typeof part === 'string') return part;
    if ('said' in part) {
      return (
        <span key={index} className="said">
          <Visible text={quoteSaid(part.said)} />
        </span>
      );
    }
    if ('policy' in part) return <Visible key={index} text={part.policy} />;
    if ('value' in part) {
      return (
        <b key={index} className="value">
          <Visible text={part.value} />
        </b>
      );
    }
    if ('code' in part) {
      return (
        <code key={index} className="quiet">
          <Visible text={part.code} />
        </code>
      );
    }
    if ('review' in part) {
      return (
        <Link key={index} to="/reviews/$reviewId" params={{ reviewId: part.review }}>
          {part.review}
        </Link>
      );
    }
    if ('until' in part) return <LiveTimeLeft key={index} until={part.until} />;
    return part.now === undefined ? <Instant key={index} at={part.at} /> : <LiveAge key={index} since={part.at} />;
  });
}

const LISTS: Partial<Record<Section['id'], string>> = { why: 'questions', evidence: 'facts' };

function Pairs({ pairs, id, Part }: { readonly pairs: readonly Pair[] } & Omit<BlockProps, 'block'>) {
  if (pairs.length === 0) return null;
  if (id === 'call') {
    // What the tool is known by.
    return pairs.map(({ label, value }, index) => (
      <Part key={index} className="subject">
        <span className="quiet small">
          <LineView line={label} />:{' '}
        </span>
        <LineView line={value} />
      </Part>
    ));
  }
  return (
    <dl className={LISTS[id] ?? 'arguments'}>
      {pairs.map(({ label, value, progress, tone }, index) => (
        <div key={index}>
          <dt>
            <LineView line={label} />
          </dt>
          <dd className={tone === undefined ? undefined : `tone-${tone}`}>
            <Part>
              <LineView line={value} />
            </Part>
            {progress !== undefined && (
              <progress max={progress[1]} value={progress[0]} aria-label={words.review.votesOf(policyNameOf(label))} />
            )}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** What policy calls it: a level, a fact. */
function policyNameOf(line: Line): string {
  return line.map((part) => (typeof part !== 'string' && 'policy' in part ? part.policy : '')).join('');
}

/** Each cell is a piece of its own: of a table that is wider than the screen, no row is ever on it as a whole. */
function TableView({ label, head, rows }: Extract<Block, { kind: 'table' }>) {
  return (
    <>
      <h3 className="small">
        <LineView line={label} />
      </h3>
      {/* It scrolls sideways where it is wider than the screen, so it has to be reachable by keyboard. */}
      <div className="table-box" tabIndex={0} role="group" aria-label={policyNameOf(label)}>
        <table>
          <thead>
            <tr>
              {head.map((column) => (
                <th key={column} scope="col">
                  <Visible text={column} />
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, at) => (
              <tr key={at}>
                {row.map((cell, column) => (
                  <td key={column}>
                    <TextPieces className="cell" text={cell} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

/** What says the same once more. */
function Folded({ label, children }: { readonly label: ReactNode; readonly children: ReactNode }) {
  return (
    <Disclosure className="target">
      <Heading level={3}>
        <Button slot="trigger" className="fold">
          {label}
        </Button>
      </Heading>
      <DisclosurePanel>{children}</DisclosurePanel>
    </Disclosure>
  );
}
