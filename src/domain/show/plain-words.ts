import type { JsonObject } from '../../contract/json.ts';
import type { ReviewRow, WrittenAmount } from '../../contract/review.ts';
import { pointerStep } from '../../contract/pointer.ts';
import { amountAt, ofArguments } from '../money.ts';
import { fillTemplate } from '../text/write-value.ts';

/** Amounts that a line names by itself; a template may have any. */
const IN_LINE = 3;

/**
 * What a call does, in one line: the policy's words with values in quotes and amounts in their currency, or those of the
 * tool's name and its amounts.
 */
export function plainWords(
  tool: string,
  args: JsonObject | undefined,
  description: string | null | undefined,
  amounts: readonly WrittenAmount[] = [],
): string {
  const all = ofArguments(amounts).map(({ text }) => text);
  const written = all.length <= IN_LINE ? all : [...all.slice(0, IN_LINE), '…'];
  if (description === null || description === undefined) return [wordsOfName(tool), ...written].join(', ');
  const sql = args?.['sql'];
  if (typeof sql === 'string') {
    return fillTemplate(`${description}: {sql}`, { sql: sql.trim().replaceAll(/\s+/g, ' ') }, () => '', { length: 64 });
  }
  if (args !== undefined) {
    return fillTemplate(withoutCurrencies(description, amounts), args, (placeholder) => placeholder, {
      write: (name) => amountAt(amounts, pointerStep(name))?.text,
    });
  }
  // Without its arguments, what stands before the first of them still says what the tool does.
  return [(description.split('{', 1)[0] ?? '').trim() || wordsOfName(tool), ...written].join(', ');
}

/** A written amount has its currency: `{amount} {currency}` would say it twice. */
function withoutCurrencies(description: string, amounts: readonly WrittenAmount[]): string {
  return amounts.reduce((template, { place, currency }) => {
    if (typeof place !== 'string' || typeof currency !== 'string') return template;
    const [amount, code] = [place, currency].map((pointer) => `{${pointer.slice(1)}}`) as [string, string];
    return template.replaceAll(`${amount} ${code}`, amount).replaceAll(`${code} ${amount}`, amount);
  }, description);
}

/** A tool without a description, from its name: `payouts.create` → `payouts: create`. */
function wordsOfName(tool: string): string {
  const [service, ...rest] = tool.split('.');
  const words = rest
    .join(' ')
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .replaceAll(/[_-]/g, ' ')
    .toLowerCase();
  return rest.length === 0 ? tool : `${service}: ${words}`;
}

/** A row's call in one line, its amounts in their currency first. */
export function summaryOfRow({ tool, summary, amounts = [] }: Pick<ReviewRow, 'tool' | 'summary' | 'amounts'>): string {
  if (!summary.startsWith(`${tool} `)) return summary;
  return [tool, ...amounts.map(({ text }) => text), summary.slice(tool.length + 1)].join(' ');
}

/** Arguments out of a list row's summary (`tool {json}`), where it was not clipped. */
export function argumentsOfSummary(tool: string, summary: string): JsonObject | undefined {
  if (!summary.startsWith(`${tool} {`)) return undefined;
  try {
    return JSON.parse(summary.slice(tool.length + 1)) as JsonObject;
  } catch {
    return undefined;
  }
}
