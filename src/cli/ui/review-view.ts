import type { JsonObject } from '../../contract/json.ts';
import type { Review } from '../../contract/review.ts';
import { countYeses } from '../../domain/eligibility.ts';
import { canBeStopped } from '../../domain/stop.ts';
import { renderFacts } from './facts.ts';
import type { Io } from './io.ts';
import { describeExecution, describeStatus } from './status.ts';
import { formatLeft, formatSpan } from './time.ts';
import { visible, visibleJson, visibleLines } from './visible.ts';

/**
 * Everything a person needs to decide well, in the order in which it matters: what it is, what Holdpoint found out
 * itself, what exactly would happen, what the agent says, who has to decide and until when.
 */
export function renderReview(io: Io, review: Review): string[] {
  return [
    ...renderHead(io, review),
    ...renderFacts(io, review),
    ...renderCall(io, review),
    ...renderWords(io, review),
    ...renderLevels(io, review),
    ...renderEnd(io, review),
    ...renderFoot(io, review),
  ];
}

export function heading(io: Io, text: string): string[] {
  return ['', io.colours.bold(text)];
}

function renderHead(io: Io, review: Review): string[] {
  const { colours } = io;
  const { proposer } = review;
  const owner = proposer.owner === null ? 'nobody answers for it' : `${visible(proposer.owner)} answers for it`;
  const attested = proposer.attested ? '' : colours.red(' · NOT ATTESTED: nobody vouches for who proposed this');
  const age = formatSpan(io.now() - Date.parse(review.proposedAt));
  const what = review.kind === 'call' ? review.call.tool : (review.title ?? 'a question');
  return [
    `${colours.bold(visible(what))}  ${paintClass(io, review.class)}  ${describeStatus(review)}`,
    `proposed by ${visible(proposer.id)} (${owner}) ${age} ago${attested}`,
    ...(review.reasonCodes.length > 0 ? [`held or marked because: ${review.reasonCodes.map(visible).join(', ')}`] : []),
    ...(review.revision > 1 ? [`revision ${review.revision}`] : []),
  ];
}

export function paintClass(io: Io, callClass: Review['class']): string {
  const { colours } = io;
  switch (callClass) {
    case 'irreversible':
    case 'forbidden':
      return colours.red(colours.bold(callClass.toUpperCase()));
    case 'sensitive':
      return colours.yellow(callClass);
    case 'reversible':
      return colours.green(callClass);
    case null:
      return 'not classified';
  }
}

function renderCall(io: Io, review: Review): string[] {
  const lines: string[] = [];
  if (review.target !== null) {
    lines.push(...heading(io, `What would be sent, through connector ${visible(review.target.connector)}`));
    lines.push(...indent(visibleJson(review.target.request)));
  }
  lines.push(...heading(io, review.kind === 'call' ? 'Arguments' : 'Proposal'));
  if (review.call.arguments === null) lines.push('  erased by retention');
  else lines.push(...indent(visibleJson(review.call.arguments)), ...renderLongTexts(review.call.arguments));
  return lines;
}

/** JSON shows a text of several lines in one; SQL and messages are read line by line. Each line is marked as theirs. */
function renderLongTexts(args: JsonObject): string[] {
  return Object.entries(args).flatMap(([name, value]) =>
    typeof value === 'string' && value.includes('\n') ? [`  ${visible(name)}, line by line:`, ...quote(value)] : [],
  );
}

function renderWords(io: Io, review: Review): string[] {
  const lines = agentWords(review);
  if (lines.length > 0) lines.unshift(...heading(io, 'The agent’s own words (nobody checked them)'));
  if (review.feedback !== null) {
    lines.push(
      ...heading(io, `Changes asked for by ${visible(review.feedback.by)}`),
      ...quote(review.feedback.comment),
    );
  }
  return lines;
}

/** It is not known here which context the configuration pins; pinned context overrides the agent's. */
function agentWords({ reason, threadId, group, context }: Review): string[] {
  const lines = reason === null ? [] : quote(reason);
  if (threadId !== null) lines.push(...quote(`thread: ${threadId}`));
  if (group !== null) lines.push(...quote(`group: ${group}`));
  if (Object.keys(context).length > 0) {
    lines.push('  context (what the configuration pins for the agent overrides its own):');
    lines.push(...visibleJson(context).map((line) => `  │ ${line}`));
  }
  return lines;
}

function renderLevels(io: Io, review: Review): string[] {
  if (review.levels.length === 0) return [];
  const lines = heading(io, 'Who must decide');
  review.levels.forEach((level, index) => {
    const votes = countYeses(level);
    const mark = { waiting: '·', open: '▸', passed: '✓' }[level.status];
    const groups = level.approvers.map(visible).join(' or ');
    const also =
      level.escalation === null
        ? ''
        : `; from ${level.escalation.at} also ${level.escalation.to.map(visible).join(' or ')}`;
    lines.push(`  ${mark} ${index + 1}. ${visible(level.name)}: ${groups}, ${votes} of ${level.quorum}${also}`);
    for (const decision of level.decisions) {
      lines.push(
        `      ${decision.type} by ${visible(decision.reviewer)} at ${decision.decidedAt} (${decision.channel})`,
      );
      if (decision.comment !== null) lines.push(...quote(decision.comment).map((line) => `    ${line}`));
    }
  });
  if (review.separationOfDuties) lines.push('  the proposer, its owner and voters of earlier levels cannot vote');
  return lines;
}

function renderEnd(io: Io, review: Review): string[] {
  const lines: string[] = [];
  if (review.resolution !== null) {
    const by = review.resolution.by === null ? '' : ` by ${visible(review.resolution.by)}`;
    const edited = review.resolution.edited ? ', with edited arguments' : '';
    lines.push(...heading(io, `Ended: ${review.status}${by}${edited}`));
    if (review.resolution.comment !== null) lines.push(...quote(review.resolution.comment));
  }
  if (review.execution.status === 'not_started') return lines;
  lines.push(...heading(io, describeExecution(review)));
  const { body, error, stopped } = review.execution;
  if (stopped !== undefined) {
    lines.push(`  rejected by ${visible(stopped.by)} at ${stopped.at}`);
    if (stopped.comment !== null) lines.push(...quote(stopped.comment));
  }
  if (error !== null) lines.push(`  ${visible(error.code)}: ${visible(error.message)}`);
  if (body !== undefined) lines.push(...indent(visibleJson(body)));
  return lines;
}

function renderFoot(io: Io, review: Review): string[] {
  const { colours } = io;
  const lines = [''];
  if (review.status === 'pending' || review.status === 'changes_requested') {
    const left = formatLeft(review.expiresAt, io.now());
    lines.push(
      `time left: ${colours.bold(left)}${review.expiresAt === null ? '' : ` (until ${review.expiresAt}; silence is no)`}`,
    );
    if (review.allowedDecisions.length > 0) lines.push(`possible decisions: ${review.allowedDecisions.join(', ')}`);
  }
  if (canBeStopped(review)) {
    lines.push(colours.yellow(`Approved, and not run yet: holdpoint review reject ${review.reviewId} still stops it.`));
  }
  if (review.call.digest !== null) lines.push(colours.dim(`digest: ${review.call.digest}`));
  lines.push(colours.dim(`review: ${review.reviewId}`));
  return lines;
}

export function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

/** Text from outside, each line marked, so that it cannot pass for Holdpoint's own. */
export function quote(text: string): string[] {
  return visibleLines(text).map((line) => `  │ ${line}`);
}
