import { useMemo } from 'react';
import { useQuery } from '@tanstack/react-query';
import type { Json, JsonObject } from '../../contract/json.ts';
import type { Review } from '../../contract/review.ts';
import { writeText, writeValue } from '../../domain/text/write-value.ts';
import { toolQuery } from '../data/queries.ts';
import { Visible } from '../ui/visible.tsx';
import { countsMinorUnits, currencyOf, writeAmount } from '../../domain/money.ts';
import { Piece } from './seen.tsx';
import { highlightSql } from './sql.ts';
import { TextPieces } from './text-pieces.tsx';

/** The call, drawn from the arguments that the digest covers: what its tool is known by first, then every argument. */
export function CallView({ review }: { readonly review: Review }) {
  const { tool, arguments: args } = review.call;
  const schema = useQuery({ ...toolQuery(tool), enabled: review.kind === 'call' }).data?.arguments;
  if (args === null) return <p className="quiet">The arguments are not kept (any more).</p>;
  const { drawn, head } = drawByTool(review, args, schema);
  const rest = Object.entries(args)
    .filter(([name]) => !drawn.includes(name))
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return (
    <div className="call">
      {head}
      {rest.length > 0 && (
        <dl className="arguments">
          {rest.map(([name, value]) => (
            <div key={name}>
              <dt>
                <Piece>
                  <code>
                    <Visible text={name} />
                  </code>
                </Piece>
              </dt>
              <dd>
                <ValueView value={value} />
              </dd>
            </div>
          ))}
        </dl>
      )}
      {Object.keys(args).length === 0 && <p className="quiet">The call takes no arguments.</p>}
    </div>
  );
}

/** A value that is no longer than this stands on one line. */
const SHORT = 72;

interface Drawing {
  /** Arguments that the head shows in full. */
  readonly drawn: readonly string[];
  readonly head: React.ReactNode;
}

/** One template per kind of tool. What a template does not show in full stays in the list below it. */
function drawByTool(review: Review, args: JsonObject, schema: JsonObject | null | undefined): Drawing {
  const { tool } = review.call;
  const { sql, owner, repo } = args;
  if (tool.startsWith('postgres.') && typeof sql === 'string') {
    return { drawn: ['sql'], head: <SqlView sql={sql} /> };
  }
  if (tool.startsWith('github.') && typeof owner === 'string' && typeof repo === 'string') {
    return {
      drawn: ['owner', 'repo'],
      head: (
        <Piece className="subject">
          <Visible text={writeText(owner)} />
          <span className="quiet"> / </span>
          <Visible text={writeText(repo)} />
        </Piece>
      ),
    };
  }
  const facts = review.evidence.at(0)?.facts ?? [];
  const written = countsMinorUnits(tool, schema) ? writeAmount(args['amount'], currencyOf(args, facts)) : undefined;
  if (written !== undefined) {
    return { drawn: [], head: <Piece className="subject">{written}</Piece> };
  }
  return { drawn: [], head: null };
}

function SqlView({ sql }: { readonly sql: string }) {
  const segments = useMemo(() => highlightSql(sql), [sql]);
  return <TextPieces text={sql} segments={segments} label="SQL statement" />;
}

/** Any value, in full. */
export function ValueView({ value }: { readonly value: Json }) {
  if (isSealed(value)) {
    return (
      <Piece>
        <span className="badge badge-quiet">sealed</span> Encrypted on arrival; only the execute worker can read it.
      </Piece>
    );
  }
  return <TextPieces text={textOf(value)} />;
}

function textOf(value: Json): string {
  const line = writeValue(value);
  return typeof value === 'string' || line.length <= SHORT ? line : JSON.stringify(value, null, 2);
}

function isSealed(value: Json): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && '$sealed' in value;
}
