import { stringify } from 'csv-stringify/sync';
import type { Response } from 'express';
import { endpoint, ok, type Endpoint } from '../http/endpoint.ts';
import { writeTo, type StreamSlots } from '../http/sse.ts';
import { principalKey } from '../principal.ts';
import { auditPageSchema, checkpointResponseSchema } from '../../contract/api.ts';
import {
  auditKeysSchema,
  consistencyQuerySchema,
  consistencyResponseSchema,
  entriesQuerySchema,
  exportQuerySchema,
  inclusionQuerySchema,
  inclusionResponseSchema,
} from '../../contract/audit-query.ts';
import type { IndexedEntry } from '../../contract/audit.ts';
import { canonicalJson } from '../../domain/proof/digest.ts';
import {
  auditCheckpoint,
  auditEntries,
  auditKeys,
  consistencyProof,
  exportEntries,
  inclusionProofs,
  peopleOf,
} from '../service/audit.ts';
import type { ServiceContext } from '../service/context.ts';

export function auditEndpoints(context: ServiceContext, slots: StreamSlots): Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: '/v1/audit/entries',
      tag: 'Audit',
      summary: 'Entries of the audit log in order',
      description:
        'A leaf of the log is the RFC 8785 form of one entry. All given filters must match. With a filter, one request searches at most 5,000 entries: a page may be empty and still have a `nextFrom`. Every 200 entries read count, apart from other requests, as much as one.',
      who: 'reviewer',
      query: entriesQuerySchema,
      answers: { 200: { description: 'One page', schema: auditPageSchema } },
      problems: ['database_unavailable'],
      handle: ({ principal, query, scan }) =>
        slots.hold(principalKey(principal), async () => ({
          status: 200,
          json: await auditEntries(context, query, scan('refuse')),
        })),
    }),
    endpoint({
      method: 'get',
      path: '/v1/audit/export',
      tag: 'Audit',
      summary: 'Entries of the audit log as one file',
      description:
        'All matching entries, with the filters of `/v1/audit/entries`. JSON Lines (`{index, entry}` each) or CSV (RFC 4180, UTF-8 with a byte order mark, as Excel needs it; cells that a spreadsheet would run as formulas start with an apostrophe). Counts as an open stream, and is sent no faster than 200 entries for each request that a minute allows.',
      who: 'reviewer',
      query: exportQuerySchema,
      answers: { 200: { description: 'The file', contentType: 'application/jsonl', otherTypes: ['text/csv'] } },
      problems: ['database_unavailable'],
      async handle({ principal, query, caller, scan, res }) {
        const { format, ...filter } = query;
        await slots.hold(principalKey(principal), () =>
          sendExport(res, format, exportEntries(context, filter, scan('wait')), caller.signal),
        );
        return undefined;
      },
    }),
    endpoint({
      method: 'get',
      path: '/v1/audit/checkpoint',
      tag: 'Audit',
      summary: 'Latest signed checkpoint',
      description: 'A C2SP signed note holding a tlog-checkpoint. Keep it to detect later tampering.',
      who: 'reviewer',
      answers: { 200: { description: 'The checkpoint', schema: checkpointResponseSchema } },
      problems: ['worker_unavailable', 'database_unavailable'],
      handle: async () => ({ status: 200, json: await auditCheckpoint(context) }),
    }),
    endpoint({
      method: 'get',
      path: '/v1/audit/inclusion',
      tag: 'Audit',
      summary: 'Proofs that entries are in the log of a checkpoint',
      who: 'reviewer',
      query: inclusionQuerySchema,
      answers: { 200: { description: 'RFC 6962 audit paths', schema: inclusionResponseSchema } },
      problems: ['database_unavailable'],
      handle: async ({ query }) => ok(await inclusionProofs(context, query.size, query.index.split(',').map(Number))),
    }),
    endpoint({
      method: 'get',
      path: '/v1/audit/consistency',
      tag: 'Audit',
      summary: 'Proof that the log of a later checkpoint extends that of an earlier one',
      who: 'reviewer',
      query: consistencyQuerySchema,
      answers: { 200: { description: 'RFC 6962 consistency proof', schema: consistencyResponseSchema } },
      problems: ['database_unavailable'],
      handle: async ({ query }) => ok(await consistencyProof(context, query.from, query.to)),
    }),
    endpoint({
      method: 'get',
      path: '/v1/audit/keys',
      tag: 'Audit',
      summary: 'Public keys of this deployment',
      description: 'As this process knows them. To verify independently, get the keys from another source.',
      who: 'reviewer',
      answers: { 200: { description: 'The keys', schema: auditKeysSchema } },
      problems: [],
      handle: () => ok(auditKeys(context)),
    }),
  ];
}

type ExportFormat = 'jsonl' | 'csv';

const MEDIA: Readonly<Record<ExportFormat, string>> = { jsonl: 'application/jsonl', csv: 'text/csv' };
const COLUMNS = ['index', 'at', 'type', 'reviewId', 'people', 'entry'] as const;

/** Sends pages of entries as one file, no faster than it is taken. */
async function sendExport(
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
  if (format === 'csv') res.write(csvLines([COLUMNS], { bom: true }));
  for await (const page of pages) {
    if (signal.aborted || res.destroyed) break;
    const text =
      format === 'csv'
        ? csvLines(page.map(csvRow))
        : page.map(({ index, entry }) => `${canonicalJson({ index, entry })}\n`).join('');
    if (text !== '' && !(await writeTo(res, text, signal))) break;
  }
  // A file that ends early must not look whole.
  if (signal.aborted) res.destroy();
  else res.end();
}

/** The last column is the leaf itself, so that nothing of an entry is lost. */
function csvRow({ index, entry }: IndexedEntry): readonly unknown[] {
  const reviewId = 'reviewId' in entry ? entry.reviewId : '';
  return [index, entry.at, entry.type, reviewId, peopleOf(entry).join(' '), canonicalJson(entry)];
}

/**
 * RFC 4180. Names come from outside: a cell that a spreadsheet would take for a formula is made text. Excel takes a file for
 * UTF-8 only where it begins with a byte order mark.
 */
function csvLines(rows: readonly (readonly unknown[])[], { bom = false } = {}): string {
  return stringify(rows as unknown[][], { bom, escape_formulas: true, record_delimiter: 'windows' });
}
