import type { JsonObject } from '../../contract/json.ts';
import type { Review } from '../../contract/review.ts';
import { visible, visibleJson, visibleLines } from '../text/visible.ts';
import { splitContext } from './context.ts';
import { warnOfLookAlikes } from './look-alikes.ts';
import { maskSealed } from './mask.ts';
import type { Block, Clipper, Section } from './shown.ts';

/** What the agent says beside the call (its reason, its context, how it names thread and group), then a reviewer's wish. */
export function showWords(review: Review, pinned: JsonObject, clipper: Clipper): Section[] {
  const blocks = agentWords(review, pinned, clipper);
  const heading = 'The agent’s own words (nobody checked them)';
  const sections: Section[] = blocks.length === 0 ? [] : [{ heading, voice: 'agent', blocks }];
  if (review.feedback !== null) {
    const lines = clipper.lines(visibleLines(review.feedback.comment));
    const by = `Changes asked for by ${visible(review.feedback.by)}`;
    sections.push({ heading: by, voice: 'reviewer', blocks: [{ kind: 'quote', lines }] });
  }
  return sections;
}

function agentWords(review: Review, pinned: JsonObject, clipper: Clipper): Block[] {
  const { reason, threadId, group } = review;
  const blocks: Block[] = [];
  if (reason !== null) blocks.push({ kind: 'quote', lines: clipper.lines(visibleLines(reason)) });
  const names = [
    ...(threadId === null ? [] : [`thread: ${visible(threadId)}`]),
    ...(group === null ? [] : [`proposed together with others as group: ${visible(group)}`]),
  ];
  if (names.length > 0) blocks.push({ kind: 'quote', lines: clipper.lines(names) });
  const { said } = splitContext(review.context, pinned);
  if (Object.keys(said).length > 0) {
    blocks.push({ kind: 'code', label: 'Context', lines: clipper.lines(visibleJson(maskSealed(said))) });
  }
  return [...blocks, ...warnOfLookAlikes([reason, threadId, group, said])];
}
