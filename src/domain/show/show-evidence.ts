import type { Fact } from '../../contract/call.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import { writeFact } from '../money.ts';
import type { Review } from '../../contract/review.ts';
import { writeCell, writeText } from '../text/write-value.ts';
import { formatCount } from '../text/time.ts';
import { visible, visibleJson } from '../text/visible.ts';
import { warnOfLookAlikes } from './look-alikes.ts';
import type { Block, Clipper, Section } from './shown.ts';

/** What the execute worker found out itself before anybody was asked, or why it could not. */
export function showEvidence(review: Review, clipper: Clipper): Section[] {
  const sections = review.evidence.map((evidence): Section => {
    const pinned: Block = { kind: 'pairs', pairs: [['If this has changed by then', 'nothing is done']] };
    const blocks = evidence.facts.map((fact) =>
      showFact(fact, writeFact(fact, review.call.tool, evidence.facts, 'en-US'), clipper),
    );
    const misread = warnOfLookAlikes(evidence.facts.map(({ value }) => value));
    return {
      heading: `Holdpoint’s own evidence (found out by itself at ${visible(evidence.gatheredAt)})`,
      voice: 'holdpoint',
      blocks: [...blocks, ...misread, ...(evidence.sourceHash === null ? [] : [pinned])],
    };
  });
  if (review.previewError === null) return sections;
  const { code, message } = review.previewError;
  const text = clipper.text(`No preview (${visible(code)}): ${visible(message)}`);
  return [
    ...sections,
    { heading: 'Holdpoint’s own evidence: there is none', voice: 'holdpoint', blocks: [{ kind: 'warning', text }] },
  ];
}

/** `written`: an amount in its currency. */
function showFact(fact: Fact, written: string | undefined, clipper: Clipper): Block {
  const label = visible(fact.label);
  const { value } = fact;
  const short = shortValue(value);
  if (short !== undefined) {
    return { kind: 'pairs', pairs: [[label, clipper.text(written === undefined ? short : `${written} (${short})`)]] };
  }
  const rows = asRows(value);
  if (rows === undefined) return { kind: 'code', label, lines: clipper.lines(visibleJson(value)) };
  const head = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cells = clipper.rows(rows).map((row) => head.map((column) => clipper.text(visible(writeCell(row[column])))));
  return { kind: 'table', label, head: head.map(visible), rows: cells };
}

function shortValue(value: Json): string | undefined {
  if (typeof value === 'number') return formatCount(value);
  if (typeof value === 'string') return visible(writeText(value));
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return value === null ? 'none' : undefined;
}

function asRows(value: Json): readonly JsonObject[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const rows = value as readonly Json[];
  return rows.every((row) => typeof row === 'object' && row !== null && !Array.isArray(row))
    ? (rows as readonly JsonObject[])
    : undefined;
}
