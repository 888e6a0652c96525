import type { Fact, Target } from '../../contract/call.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import type { Review, WrittenAmount } from '../../contract/review.ts';
import { isExactNumber } from '../../contract/exact-number.ts';
import { hasEnded } from '../lifecycle.ts';
import { canBeStopped } from '../stop.ts';
import { isOmission, type Omission } from '../json/fit.ts';
import { FORM_TYPE } from '../render/form.ts';
import { asHttpRequest, writeHttpRequest } from '../render/http.ts';
import { isJsonObject } from '../json/pointer.ts';
import { sealedPointers, valueAt } from '../seal-binding.ts';
import { amountAt, wordsOfPlace, writeAmounts } from '../money.ts';
import { formatCount } from '../text/time.ts';
import { writeCell } from '../text/write-value.ts';
import { readByLine, readersOf } from './show-held.ts';
import { pair, said, type Block, type Line, type Pair, type Section, type ShownTool } from './shown.ts';

/** The call from the bytes that the digest covers: nothing here is a description of it. */
export function showCall(review: Review, tool: ShownTool | undefined): Section {
  const { call, kind } = review;
  const args = call.arguments === null ? null : inSchemaOrder(call.arguments, tool?.arguments);
  const readers = readersOf(review, 'arguments');
  const drawing = kind === 'call' && args !== null ? drawByTool(call.tool, args, readers) : NOTHING;
  const pairs = amountsOf(review, tool).flatMap(({ place, text }) =>
    typeof place === 'string' ? [pair([{ policy: wordsOfPlace(place) }], text)] : [],
  );
  const blocks: Block[] = [...(pairs.length === 0 ? [] : [{ kind: 'pairs', pairs } as const]), ...drawing.blocks];
  const label = kind === 'call' ? 'Arguments' : 'Proposal';
  if (args === null) blocks.push({ kind: 'pairs', pairs: [pair(label, 'erased by retention')] });
  else {
    const rest = Object.fromEntries(Object.entries(args).filter(([name]) => !drawing.inFull.includes(name)));
    if (drawing.inFull.length === 0 || Object.keys(rest).length > 0) {
      const named = drawing.inFull.length === 0 ? label : `Other ${label.toLowerCase()}`;
      blocks.push({ kind: 'values', label: named, values: rest, readers });
    }
  }
  const heading = kind === 'in-flow' ? 'The proposal' : isOver(review) ? 'The call' : 'What exactly will happen';
  return { id: 'call', heading, voice: 'call', blocks };
}

/** Nothing more comes of it. */
export function isOver(review: Review): boolean {
  return hasEnded(review.status) && !canBeStopped(review);
}

/** As the tool's schema names them, then the others by name. */
function inSchemaOrder(args: JsonObject, schema: JsonObject | null | undefined): JsonObject {
  const named = schema?.['properties'];
  const order = isJsonObject(named) ? Object.keys(named) : [];
  const others = Object.keys(args).toSorted((a, b) => (a < b ? -1 : 1));
  const names = new Set([...order.filter((name) => Object.hasOwn(args, name)), ...others]);
  return Object.fromEntries([...names].map((name) => [name, args[name] as Json]));
}

/** The request of the call as it will be sent; a question has none. */
export function showRequest({ target, call }: Review): Section[] {
  if (target === null || target.request === null) return [];
  const blocks = drawRequest(target, call.arguments ?? {});
  return [{ id: 'request', heading: 'The request', voice: 'call', blocks }];
}

/** The very request that the digest covers: of HTTP, what will go over the wire but for the credential. */
function drawRequest({ connector, request }: Target, args: JsonObject): Block[] {
  const label: Line = ['Request to connector ', said(connector), ', as it will be sent (without credentials)'];
  const http = asHttpRequest(request);
  if (http === undefined) return [{ kind: 'json', label, value: request, isFolded: true }];
  const sealed = sealedPointers(args).map((pointer) => valueAt(args, pointer) as { readonly $sealed: string });
  const text = sealed.reduce((shown, { $sealed }) => shown.replaceAll($sealed, '(encrypted)'), writeHttpRequest(http));
  const cleared = (http.clears ?? []).flatMap((pointer, index) => [
    ...(index === 0 ? [] : [', ']),
    said(pointer.slice(1)),
  ]);
  return [
    ...(cleared.length === 0 ? [] : [{ kind: 'pairs', pairs: [pair('Clears', cleared)] } as const]),
    // JSON is read as easily above; a form is encoded.
    { kind: 'text', label, text, ...(http.body?.type === FORM_TYPE ? {} : { isFolded: true }) },
  ];
}

interface Drawing {
  /** Arguments of which the blocks show every character. */
  readonly inFull: readonly string[];
  readonly blocks: readonly Block[];
}

const NOTHING: Drawing = { inFull: [], blocks: [] };

/** What of a call is money, as its tool declares it. */
export function amountsOf({ kind, call, evidence }: Review, tool: ShownTool | undefined): readonly WrittenAmount[] {
  if (kind !== 'call' || call.arguments === null) return [];
  return writeAmounts(tool?.money, call.arguments, evidence.at(0)?.facts ?? []);
}

/** What a kind of tool is known by: a statement line by line, a repository by its name. */
function drawByTool(tool: string, args: JsonObject, readers: ReturnType<typeof readersOf>): Drawing {
  const { sql, owner, repo } = args;
  if (tool.startsWith('postgres.') && typeof sql === 'string') {
    return {
      inFull: ['sql'],
      blocks: [{ kind: 'text', label: ['SQL', ...readByLine(readers['sql'])], text: sql, syntax: 'sql' }],
    };
  }
  if (tool.startsWith('github.') && typeof owner === 'string' && typeof repo === 'string') {
    return { inFull: [], blocks: [{ kind: 'pairs', pairs: [pair('Repository', [said(owner), ' / ', said(repo)])] }] };
  }
  return NOTHING;
}

/** What the execute worker gathered itself before people were asked, or why it could not. */
export function showEvidence(review: Review, tool: ShownTool | undefined): Section[] {
  const { evidence, previewError } = review;
  const amounts = amountsOf(review, tool);
  const blocks: Block[] = evidence.flatMap(({ facts, gatheredAt, sourceHash }): Block[] => {
    const pairs = facts.flatMap((fact) => showShortFact(fact, amountAt(amounts, { fact: fact.name })?.text));
    pairs.push(pair('Checked', [{ at: gatheredAt }]));
    if (sourceHash !== null) pairs.push(pair('If this has changed by the time it runs', 'nothing is done'));
    return [{ kind: 'pairs', pairs }, ...facts.flatMap(showLargeFact)];
  });
  if (previewError !== null) {
    const why: Line = [
      'There is no evidence: the preview failed (',
      said(previewError.code),
      '): ',
      said(previewError.message),
    ];
    blocks.push({ kind: 'warning', line: why });
  }
  return blocks.length === 0 ? [] : [{ id: 'evidence', heading: 'Checked by Holdpoint', voice: 'holdpoint', blocks }];
}

/** `written`: an amount in its currency, with the raw value. */
function showShortFact({ label, value }: Fact, written: string | undefined): Pair[] {
  if (written !== undefined) return [pair([{ policy: label }], written)];
  if (isExactNumber(value)) return [pair([{ policy: label }], value.$number)];
  if (isOmission(value)) return [{ ...pair([{ policy: label }], writeOmission(value)), tone: 'bad' }];
  if (typeof value === 'object' && value !== null) return [];
  return [pair([{ policy: label }], shortValue(value))];
}

/** What could not be read or shown, and how large it is. */
function writeOmission({ $omitted: code, message, bytes, atLeastBytes }: JsonObject & Omission): Line {
  const why: Line =
    typeof message === 'string' ? ['could not be read: ', said(message)] : ['not shown (', said(code), ')'];
  if (typeof atLeastBytes === 'number') return [...why, `; more than ${formatCount(atLeastBytes)} bytes`];
  return bytes === undefined ? why : [...why, `; ${formatCount(bytes)} bytes`];
}

function shortValue(value: string | number | boolean | null): Line {
  if (typeof value === 'number') return [formatCount(value)];
  if (typeof value === 'boolean') return [value ? 'yes' : 'no'];
  if (value === null) return ['none'];
  const isTime = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value) && !Number.isNaN(Date.parse(value));
  return [isTime ? { at: value } : said(value)];
}

/** Evidence that takes room: rows, lists. */
function showLargeFact({ label, value }: Fact): Block[] {
  if (typeof value !== 'object' || value === null || isExactNumber(value) || isOmission(value)) return [];
  const rows = asRows(value);
  if (rows === undefined) return [{ kind: 'json', label: [{ policy: label }], value }];
  const head = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cells = rows.map((row) => head.map((column) => writeCell(row[column])));
  return [{ kind: 'table', label: [{ policy: label }], head, rows: cells }];
}

function asRows(value: Json): readonly JsonObject[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const rows = value as readonly Json[];
  return rows.every((row) => typeof row === 'object' && row !== null && !Array.isArray(row))
    ? (rows as readonly JsonObject[])
    : undefined;
}

/**
 * What the agent says beside the call: its reason, its context, how it names thread and group. Pinned context is what the
 * configuration in force pins for the proposer to the very value that the review has; everything else the proposer said.
 */
export function showWords(review: Review, pinned: JsonObject | null): Section[] {
  const { reason, urgency, threadId, group, callback } = review;
  const blocks: Block[] = [];
  if (urgency) blocks.push({ kind: 'pairs', pairs: [pair('Urgency, as the agent says', [said(urgency)])] });
  if (reason !== null) blocks.push({ kind: 'quote', text: reason });
  const names = (
    [
      ['Thread', threadId],
      ['Group', group],
      ['Callback', callback],
    ] as const
  ).flatMap(([label, name]) => (name === null ? [] : [pair(label, [said(name)])]));
  if (names.length > 0) blocks.push({ kind: 'pairs', pairs: names });
  const context = splitContext(review.context, pinned ?? {}).said;
  if (Object.keys(context).length > 0) {
    const label =
      pinned === null && review.kind === 'call'
        ? 'Context (values that the configuration pins replace the agent’s)'
        : 'Context';
    blocks.push({ kind: 'values', label, values: context, readers: readersOf(review, 'context') });
  }
  if (blocks.length === 0) return [];
  const whose = review.kind === 'call' ? 'agent' : 'workflow';
  return [{ id: 'words', heading: `The ${whose}’s own words (not checked)`, voice: 'agent', blocks }];
}

export function splitContext(
  context: JsonObject,
  pinned: JsonObject,
): { readonly pinned: JsonObject; readonly said: JsonObject } {
  const isPinned = (name: string): boolean =>
    Object.hasOwn(pinned, name) && JSON.stringify(pinned[name]) === JSON.stringify(context[name]);
  const entries = Object.entries(context);
  return {
    pinned: Object.fromEntries(entries.filter(([name]) => isPinned(name))),
    said: Object.fromEntries(entries.filter(([name]) => !isPinned(name))),
  };
}
