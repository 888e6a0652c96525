import { stringify } from 'csv-stringify/sync';
import type { Response } from 'express';
import type { IndexedEntry } from '../../contract/audit.ts';
import { canonicalJson } from '../../domain/proof/digest.ts';
import { peopleOf } from '../service/audit-match.ts';
import { writeTo } from './sse.ts';

export type ExportFormat = 'jsonl' | 'csv';

const MEDIA: Readonly<Record<ExportFormat, string>> = { jsonl: 'application/jsonl', csv: 'text/csv' };
const COLUMNS = ['index', 'at', 'type', 'reviewId', 'people', 'entry'] as const;

/** Sends pages of entries as one file, no faster than it is taken. */
export async function sendExport(
  res: Response,
  format: ExportFormat,
  pages: AsyncGenerator<readonly IndexedEntry[]>,
  signal: AbortSignal,
): Promise<void> {
  res.status(200);
  res.setHeader('Content-Type', `${MEDIA[format]}; charset=utf-8`);
  res.setHeader('Content-Disposition', `attachment; filename="holdpoint-audit.${format}"`);
  if (res.req.method === 'HEAD') {
    res.end();
    return;
  }
  if (format === 'csv') res.write(csvLines([COLUMNS]));
  for await (const page of pages) {
    if (signal.aborted || res.destroyed) break;
    const text = format === 'csv' ? csvLines(page.map(csvRow)) : page.map(jsonLine).join('');
    if (text !== '' && !(await writeTo(res, text, signal))) break;
  }
  // A file that ends early must not look whole.
  if (signal.aborted) res.destroy();
  else res.end();
}

function jsonLine({ index, entry }: IndexedEntry): string {
  return `${canonicalJson({ index, entry })}\n`;
}

/** The last column is the leaf itself, so that nothing of an entry is lost. */
function csvRow({ index, entry }: IndexedEntry): readonly unknown[] {
  const reviewId = 'reviewId' in entry ? entry.reviewId : '';
  return [index, entry.at, entry.type, reviewId, peopleOf(entry).join(' '), canonicalJson(entry)];
}

/** RFC 4180. Names come from outside: a cell that a spreadsheet would take for a formula is made text. */
function csvLines(rows: readonly (readonly unknown[])[]): string {
  return stringify(rows as unknown[][], { escape_formulas: true, record_delimiter: 'windows' });
}
