import { subjectOf } from '../../src/activities/notify/channels/email/compose.ts';
import { renderReview } from '../../src/cli/ui/review-view.ts';
import type { Fact } from '../../src/contract/call.ts';
import type { JsonObject } from '../../src/contract/json.ts';
import type { ToolDefinition } from '../../src/contract/policy.ts';
import type { Review } from '../../src/contract/review.ts';
import { describeReview } from '../../src/domain/gate/describe.ts';
import { amountsOf } from '../../src/domain/show/show-call.ts';
import { showReview } from '../../src/domain/show/show-review.ts';
import { titleLine, titleText, writeSentence } from '../../src/domain/show/title.ts';
import { shownToHtml } from '../../src/domain/show/to-html.ts';
import { layOutText, shownToText, writeLine } from '../../src/domain/show/to-text.ts';
import { lineAbout } from '../../src/domain/slack/message.ts';
import { shownToBlocks } from '../../src/domain/slack/to-blocks.ts';
import { listRowOf } from '../../src/storage/reviews/review-row.ts';
import { aReview } from './client-fixtures.ts';
import { ioFor, plain } from './cli-io.ts';

const NOW = Date.parse('2026-04-01T12:00:10.000Z');

/** A review as the gate writes it: with the amounts and the sentence that its tool makes of it. */
export function reviewOf(tool: ToolDefinition, args: JsonObject, facts: readonly Fact[] = []): Review {
  const review = aReview({
    target: null,
    call: { ...aReview().call, tool: tool.name, service: tool.name.split('.')[0] ?? '', arguments: args },
    evidence:
      facts.length === 0 ? [] : [{ facts: [...facts], sourceHash: null, gatheredAt: '2026-04-01T12:00:00.000Z' }],
  });
  const amounts = [...amountsOf(review, tool)];
  return { ...review, amounts, sentence: writeSentence(tool.name, tool.title, args, amounts) };
}

/** Every place where people read what a call is called, each as one text. */
export function titlesOf(
  tool: ToolDefinition,
  args: JsonObject,
  facts: readonly Fact[] = [],
): Readonly<Record<string, string>> {
  const review = reviewOf(tool, args, facts);
  const shown = layOutText(showReview(review, { now: NOW, tool, pinned: {} }), 2_000);
  const { row } = listRowOf(review);
  return {
    'page, heading': writeLine(showReview(review, { now: NOW, tool, pinned: {} }).title),
    'page, row': writeLine(titleLine(row)),
    'terminal, heading': plain(renderReview(ioFor({ tty: true }), review, { tool })).split('\n')[0] ?? '',
    'terminal, list': titleText(row),
    'mail, heading': shown.title,
    'mail, subject': subjectOf({ event: 'review.pending', review }),
    'Slack, heading': JSON.stringify(shownToBlocks(shown)[0]).replaceAll('\\"', '"'),
    'Slack, line': lineAbout(review, 'Waiting', null),
    // Behind where it stands; the arguments come further down.
    'Temporal, details': (describeReview(review, NOW).split('\n\n')[1] ?? '').replaceAll('\\', ''),
  };
}

/** Everything that each door says of a call, each as one text. */
export function doorsOf(
  tool: ToolDefinition,
  args: JsonObject,
  facts: readonly Fact[] = [],
): Readonly<Record<string, string>> {
  const review = reviewOf(tool, args, facts);
  const shown = showReview(review, { now: NOW, tool, pinned: {} });
  const laidOut = layOutText(shown, 2_000);
  return {
    ...titlesOf(tool, args, facts),
    'page, call': JSON.stringify(shown.sections.find(({ id }) => id === 'call')),
    'terminal, show': plain(renderReview(ioFor({ tty: true }), review, { tool })),
    'mail, text': shownToText(laidOut).join('\n'),
    'mail, HTML': shownToHtml(laidOut).html,
    Slack: JSON.stringify(shownToBlocks(laidOut)),
    'Temporal, details': describeReview(review, NOW).replaceAll('\\', ''),
  };
}
