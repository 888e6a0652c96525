import type { JsonObject } from '../../contract/json.ts';
import { countsMinorUnits, currencyOf, writeAmount } from '../money.ts';
import type { ToolDefinition } from '../../contract/policy.ts';
import type { Review } from '../../contract/review.ts';
import { writeText } from '../text/write-value.ts';
import { visible, visibleJson, visibleLines } from '../text/visible.ts';
import { warnOfLookAlikes } from './look-alikes.ts';
import { maskSealed } from './mask.ts';
import type { Block, Clipper, Section } from './shown.ts';

/** The call from the bytes that the digest covers: nothing here is anybody's account of it. */
export function showCall(review: Review, tool: ToolDefinition | undefined, clipper: Clipper): Section {
  const { target, call } = review;
  const { arguments: args } = call;
  const drawing = review.kind === 'call' && args !== null ? drawByTool(review, args, tool, clipper) : NOTHING;
  const blocks: Block[] = [...drawing.blocks];
  if (target !== null && target.request !== null) {
    const label = `What would be sent, through connector ${visible(target.connector)}`;
    blocks.push({ kind: 'code', label, lines: clipper.lines(visibleJson(maskSealed(target.request))) });
  }
  const label = review.kind === 'call' ? 'Arguments' : 'Proposal';
  if (args === null) blocks.push({ kind: 'pairs', pairs: [[label, 'erased by retention']] });
  else {
    const rest = Object.fromEntries(Object.entries(args).filter(([name]) => !drawing.inFull.includes(name)));
    if (drawing.inFull.length === 0 || Object.keys(rest).length > 0) {
      const named = drawing.inFull.length === 0 ? label : `Other ${label.toLowerCase()}`;
      blocks.push({ kind: 'code', label: named, lines: clipper.lines(visibleJson(maskSealed(rest))) });
    }
    blocks.push(...longTexts(rest, clipper));
  }
  blocks.push(...warnOfLookAlikes([review.title, args]));
  return { heading: 'What exactly will happen', voice: 'call', blocks };
}

interface Drawing {
  /** Arguments of which the blocks show every character. */
  readonly inFull: readonly string[];
  readonly blocks: readonly Block[];
}

const NOTHING: Drawing = { inFull: [], blocks: [] };

/** What a kind of tool is known by: a statement line by line, a repository by its name, an amount in words. */
function drawByTool(
  review: Review,
  args: JsonObject,
  definition: ToolDefinition | undefined,
  clipper: Clipper,
): Drawing {
  const { tool } = review.call;
  const { sql, owner, repo } = args;
  if (tool.startsWith('postgres.') && typeof sql === 'string') {
    return { inFull: ['sql'], blocks: [{ kind: 'code', label: 'SQL', lines: clipper.lines(visibleLines(sql)) }] };
  }
  if (tool.startsWith('github.') && typeof owner === 'string' && typeof repo === 'string') {
    return pair('Repository', clipper.text(visible(`${writeText(owner)}/${writeText(repo)}`)));
  }
  const facts = review.evidence.at(0)?.facts ?? [];
  const amount = countsMinorUnits(tool, definition?.arguments)
    ? writeAmount(args['amount'], currencyOf(args, facts), 'en-US')
    : undefined;
  return amount === undefined ? NOTHING : pair('Amount', amount);
}

function pair(label: string, value: string): Drawing {
  return { inFull: [], blocks: [{ kind: 'pairs', pairs: [[label, value]] }] };
}

/** JSON shows a text of several lines in one; messages are read line by line. */
function longTexts(args: JsonObject, clipper: Clipper): Block[] {
  return Object.entries(args).flatMap(([name, value]): Block[] =>
    typeof value === 'string' && value.includes('\n')
      ? [{ kind: 'code', label: `${visible(name)}, line by line`, lines: clipper.lines(visibleLines(value)) }]
      : [],
  );
}
