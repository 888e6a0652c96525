import type { JsonObject } from '../../contract/json.ts';
import type { Review, ReviewRow, SentencePart, WrittenAmount } from '../../contract/review.ts';
import { pointerStep } from '../../contract/pointer.ts';
import { amountAt, ofArguments } from '../money.ts';
import { isDrill } from '../drill.ts';
import { clip } from '../text/visible.ts';
import { clipValue, splitTemplate, writeInSentence } from '../text/write-value.ts';
import { said, type Line } from './shown.ts';
import { writeLine } from './to-text.ts';

/** Amounts that a sentence names where the tool has no title; a title may name any. */
const IN_LINE = 3;
/** Longest SQL in a sentence, in characters; of other values, see {@link writeInSentence}. */
const SQL_IN_LINE = 64;

/**
 * What a call does, in one sentence: the tool's title with its values, or its name. Values of the call are
 * parts of their own. Text among them stands in quotes, so that it cannot pass for the policy's words or for Holdpoint's.
 */
export function writeSentence(
  tool: string,
  title: string | null | undefined,
  args: JsonObject,
  amounts: readonly WrittenAmount[] = [],
): SentencePart[] {
  if (title === null || title === undefined) return writeName(tool, amounts);
  return splitTemplate(withoutCurrencies(title, amounts)).map((part): SentencePart => {
    if (typeof part === 'string') return { policy: part };
    const { name } = part;
    if (!Object.hasOwn(args, name)) return { policy: `(no ${name.replaceAll('_', ' ')})` };
    const value = args[name] ?? null;
    const amount = amountAt(amounts, pointerStep(name));
    if (amount !== undefined) return valueOf(amount);
    if (name !== 'sql' || typeof value !== 'string') return { value: writeInSentence(value) };
    return { value: clipValue(writeInSentence(onOneLine(value)), SQL_IN_LINE) };
  });
}

/** Blanks of PostgreSQL outside of quotes; any other that is drawn as one is part of a name. */
const BLANKS = /'[^']*'|"[^"]*"|[ \t\n\r\f\v]+/g;

/** SQL without its layout. A line break that may end a comment stays: what stands behind it runs. */
function onOneLine(sql: string): string {
  const hasComment = sql.includes('--');
  const line = sql.replaceAll(BLANKS, (part) => {
    if (part.startsWith("'") || part.startsWith('"')) return part;
    return hasComment && /[\n\r]/.test(part) ? '\n' : ' ';
  });
  return line.replaceAll(/^[ \n]|[ \n]$/g, '');
}

/** A tool without a title: `Call payouts.create`, and its amounts. */
function writeName(tool: string, amounts: readonly WrittenAmount[]): SentencePart[] {
  const own = ofArguments(amounts);
  const written = own.slice(0, IN_LINE).flatMap((amount): SentencePart[] => [{ policy: ', ' }, valueOf(amount)]);
  return [{ policy: `Call ${tool}` }, ...written, ...(own.length > IN_LINE ? [{ policy: ', …' }] : [])];
}

/** An amount in its currency. Where only the evidence told the currency, the agent reads the number alone. */
function valueOf({ text, currency }: WrittenAmount): SentencePart {
  const isFact = currency !== null && typeof currency !== 'string';
  return isFact ? { value: text, toAgent: text.slice(text.lastIndexOf('(') + 1, -1) } : { value: text };
}

/** A written amount has its currency: `{amount} {currency}` would say it twice. */
function withoutCurrencies(title: string, amounts: readonly WrittenAmount[]): string {
  return amounts.reduce((template, { place, currency }) => {
    if (typeof place !== 'string' || typeof currency !== 'string') return template;
    const [amount, code] = [place, currency].map((pointer) => `{${pointer.slice(1)}}`) as [string, string];
    return template.replaceAll(`${amount} ${code}`, amount).replaceAll(`${code} ${amount}`, amount);
  }, title);
}

type Titled = Pick<Review, 'kind' | 'title' | 'sentence'>;

/** What a review is called, wherever people read it: the sentence of its call, or the question that is asked. */
export function titleLine(review: Titled & ({ readonly tool: string } | Pick<Review, 'call'>)): Line {
  // Holdpoint's own words, which a workflow that says the same does not get.
  if (isDrill(review)) return [{ policy: review.title ?? 'Drill' }];
  if (review.kind === 'in-flow') return [review.title === null ? 'A question' : said(review.title)];
  const tool = 'tool' in review ? review.tool : review.call.tool;
  return review.sentence === undefined || review.sentence.length === 0 ? writeName(tool, []) : review.sentence;
}

/** {@link titleLine} as text of at most `length` characters. Values are shortened first, and keep their quotes. */
export function titleText(review: Parameters<typeof titleLine>[0], length = Infinity): string {
  const line = titleLine(review);
  const texts = [Infinity, 60, 30, 15].map((limit) =>
    writeLine(
      line.map((part) =>
        typeof part === 'object' && 'value' in part ? { value: clipValue(part.value, limit) } : part,
      ),
    ),
  );
  return texts.find((text) => text.length <= length) ?? clip(texts.at(-1) ?? '', length);
}

/** A row's call in one line, its amounts in their currency first. */
export function summaryOfRow({ tool, summary, amounts = [] }: Pick<ReviewRow, 'tool' | 'summary' | 'amounts'>): string {
  if (!summary.startsWith(`${tool} `)) return summary;
  return [tool, ...amounts.map(({ text }) => text), summary.slice(tool.length + 1)].join(' ');
}

/** {@link titleLine} in a list of reviews: without a title, some arguments tell the calls of a tool apart. */
export function rowLine(row: ReviewRow): Line {
  const line = titleLine(row);
  if (row.kind === 'in-flow' || line.some((part) => typeof part === 'object' && 'value' in part)) return line;
  const named = Object.entries(argumentsOf(row));
  return [
    ...line,
    ...named.slice(0, IN_LINE).flatMap(([name, value], index): Line => {
      return [index === 0 ? ' with ' : ', ', said(name), ' ', { value: writeInSentence(value) }];
    }),
    ...(named.length > IN_LINE ? [', …'] : []),
  ];
}

/** Out of the row's summary, where it was not clipped. */
function argumentsOf({ tool, summary }: ReviewRow): JsonObject {
  if (!summary.startsWith(`${tool} {`)) return {};
  try {
    return JSON.parse(summary.slice(tool.length + 1)) as JsonObject;
  } catch {
    return {};
  }
}
