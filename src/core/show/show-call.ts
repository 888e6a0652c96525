import type { JsonObject } from '../../contract/json.ts';
import type { Review } from '../../contract/review.ts';
import { visible, visibleJson, visibleLines } from '../text/visible.ts';
import { warnOfLookAlikes } from './look-alikes.ts';
import { maskSealed } from './mask.ts';
import type { Block, Clipper, Section } from './shown.ts';

/** The call from the bytes that the digest covers: nothing here is anybody's account of it. */
export function showCall(review: Review, clipper: Clipper): Section {
  const { target, call } = review;
  const blocks: Block[] = [];
  if (target !== null && target.request !== null) {
    const label = `What would be sent, through connector ${visible(target.connector)}`;
    blocks.push({ kind: 'code', label, lines: clipper.lines(visibleJson(maskSealed(target.request))) });
  }
  const label = review.kind === 'call' ? 'Arguments' : 'Proposal';
  if (call.arguments === null) blocks.push({ kind: 'pairs', pairs: [[label, 'erased by retention']] });
  else {
    blocks.push({ kind: 'code', label, lines: clipper.lines(visibleJson(maskSealed(call.arguments))) });
    blocks.push(...longTexts(call.arguments, clipper), ...warnOfLookAlikes(call.arguments));
  }
  return { heading: 'What exactly will happen', voice: 'call', blocks };
}

/** JSON shows a text of several lines in one; SQL and messages are read line by line. */
function longTexts(args: JsonObject, clipper: Clipper): Block[] {
  return Object.entries(args).flatMap(([name, value]): Block[] =>
    typeof value === 'string' && value.includes('\n')
      ? [{ kind: 'code', label: `${visible(name)}, line by line`, lines: clipper.lines(visibleLines(value)) }]
      : [],
  );
}
