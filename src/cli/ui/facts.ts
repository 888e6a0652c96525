import type { Fact } from '../../contract/call.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import type { Review } from '../../contract/review.ts';
import { writeCell, writeText } from '../../domain/text/write-value.ts';
import type { Io } from './io.ts';
import { renderTable } from './table.ts';
import { formatCount } from './time.ts';
import { visible, visibleJson } from './visible.ts';

/** Evidence: what the execute worker found out itself before anybody was asked. */
export function renderFacts(io: Io, review: Review): string[] {
  const lines: string[] = [];
  for (const evidence of review.evidence) {
    lines.push(
      '',
      io.colours.bold(`Holdpoint’s own evidence (found out by itself at ${visible(evidence.gatheredAt)})`),
    );
    for (const fact of evidence.facts) lines.push(...renderFact(io, fact));
    if (evidence.sourceHash !== null) lines.push(io.colours.dim('  if this has changed by then, nothing is done'));
  }
  if (review.previewError !== null) {
    const { code, message } = review.previewError;
    lines.push('', io.colours.yellow(`No preview (${visible(code)}): ${visible(message)}`));
  }
  return lines;
}

function renderFact(io: Io, fact: Fact): string[] {
  const label = visible(fact.label);
  const { value } = fact;
  if (typeof value === 'number') return [`  ${label}: ${io.colours.bold(formatCount(value))}`];
  if (typeof value === 'string') return [`  ${label}: ${visible(writeText(value))}`];
  if (typeof value === 'boolean') return [`  ${label}: ${value ? 'yes' : 'no'}`];
  if (value === null) return [`  ${label}: none`];
  const rows = asRows(value);
  if (rows === undefined) return [`  ${label}:`, ...visibleJson(value).map((line) => `    ${line}`)];
  const head = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cells = rows.map((row) => head.map((column) => visible(writeCell(row[column]))));
  return [`  ${label}:`, ...renderTable(io, head.map(visible), cells).map((line) => `    ${line}`)];
}

function asRows(value: Json): readonly JsonObject[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const rows = value as readonly Json[];
  return rows.every((row) => typeof row === 'object' && row !== null && !Array.isArray(row))
    ? (rows as readonly JsonObject[])
    : undefined;
}
