import { REASONS } from '../../contract/codes.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import type { Review } from '../../contract/review.ts';
import { approversAt } from '../gate/check.ts';
import { isSealed } from '../seal-binding.ts';
import { findLookAlikes, nameLetter } from '../text/look-alikes.ts';
import { formatLeft, formatSpan } from '../text/time.ts';
import { visible, visibleJson, visibleLines } from '../text/visible.ts';
import { showEvidence } from './show-evidence.ts';
import { Clipper, type Block, type Section, type Shown } from './shown.ts';

export interface ShowOptions {
  /** Epoch ms: what ages and time left are counted from. */
  readonly now: number;
  /** Characters of one block; Infinity: everything. */
  readonly limit: number;
  /** What the tool does in the policy's words, `{name}` filled from the arguments. */
  readonly description: string | undefined;
}

/**
 * Everything a person needs in the order in which it matters: what exactly would happen, why it is held, who is
 * answerable, how long is left, what Holdpoint found out itself; only then what the agent says about it.
 */
export function showReview(review: Review, options: ShowOptions): Shown {
  const clipper = new Clipper(options.limit);
  const sections = [
    showCall(review, options.description, clipper),
    showWhy(review, options.now),
    ...showEvidence(review, clipper),
    ...showWords(review, clipper),
    ...showVotes(review, clipper),
    ...showEnd(review, clipper),
  ];
  const title = review.kind === 'call' ? review.call.tool : (review.title ?? 'a question');
  return { title: visible(title), sections, clipped: clipper.clipped };
}

function showCall(review: Review, description: string | undefined, clipper: Clipper): Section {
  const { target, call } = review;
  const blocks: Block[] = [];
  if (description !== undefined) {
    blocks.push({ kind: 'pairs', pairs: [['In plain words', fillDescription(description, call.arguments ?? {})]] });
  }
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
  if (Object.keys(review.context).length > 0) {
    blocks.push({ kind: 'code', label: 'Context', lines: clipper.lines(visibleJson(maskSealed(review.context))) });
  }
  return { heading: 'What exactly will happen', voice: 'call', blocks };
}

function showWhy(review: Review, now: number): Section {
  const { proposer } = review;
  const level = review.levels[review.level - 1];
  const pairs: (readonly [string, string])[] = [
    ['Class', review.class ?? 'not classified'],
    ['Held because', review.reasonCodes.map(explainReason).join('; ') || 'the class of the tool asks for it'],
    ['Proposed by', `${visible(proposer.id)}, ${formatSpan(now - Date.parse(review.proposedAt))} ago`],
    ['Answerable', proposer.owner === null ? 'nobody' : visible(proposer.owner)],
  ];
  if (review.status === 'pending' || review.status === 'changes_requested') {
    const until = review.expiresAt === null ? '' : ` (until ${review.expiresAt}; silence is no)`;
    pairs.push(['Time left', `${formatLeft(review.expiresAt, now)}${until}`]);
  }
  if (review.status === 'pending' && level !== undefined) {
    const yes = level.decisions.filter(({ type }) => type === 'approve' || type === 'edit').length;
    const groups = approversAt(level, now).map(visible).join(' or ');
    const of = review.levels.length > 1 ? `, level ${review.level} of ${review.levels.length}` : '';
    pairs.push(['Must say yes', `${level.quorum} of ${groups}${of}; ${yes} so far`]);
  }
  if (review.revision > 1) {
    const editor = review.revisions.at(-1)?.by ?? proposer.id;
    pairs.push(['Version', `${review.revision}, by ${visible(editor)}; votes on earlier versions are void`]);
  }
  if (review.group !== null) pairs.push(['Proposed together with', `group ${visible(review.group)}`]);
  const unattested: Block = { kind: 'warning', text: 'Not attested: nobody vouches for who proposed this.' };
  const blocks: Block[] = [{ kind: 'pairs', pairs }, ...(proposer.attested ? [] : [unattested])];
  return { heading: 'Why it is held, and who is answerable', voice: 'holdpoint', blocks };
}

function showWords(review: Review, clipper: Clipper): Section[] {
  const sections: Section[] = [];
  if (review.reason !== null) {
    const lines = clipper.lines(visibleLines(review.reason));
    const heading = 'The agent’s own words (nobody checked them)';
    sections.push({ heading, voice: 'agent', blocks: [{ kind: 'quote', lines }] });
  }
  if (review.feedback !== null) {
    const lines = clipper.lines(visibleLines(review.feedback.comment));
    const heading = `Changes asked for by ${visible(review.feedback.by)}`;
    sections.push({ heading, voice: 'reviewer', blocks: [{ kind: 'quote', lines }] });
  }
  return sections;
}

function showVotes(review: Review, clipper: Clipper): Section[] {
  const votes = review.revisions.at(-1)?.decisions ?? [];
  if (votes.length === 0) return [];
  const blocks = votes.flatMap(({ type, reviewer, decidedAt, channel, comment }): Block[] => [
    { kind: 'pairs', pairs: [[visible(reviewer), `${type}, ${decidedAt}, by ${channel}`]] },
    ...(comment === null ? [] : [{ kind: 'quote' as const, lines: clipper.lines(visibleLines(comment)) }]),
  ]);
  return [{ heading: 'Decisions so far', voice: 'reviewer', blocks }];
}

function showEnd(review: Review, clipper: Clipper): Section[] {
  const { resolution, execution } = review;
  if (resolution === null && execution.status === 'not_started') return [];
  const pairs: (readonly [string, string])[] = [];
  if (resolution !== null) {
    const by = resolution.by === null ? '' : ` by ${visible(resolution.by)}`;
    pairs.push(['Ended', `${review.status}${by}${resolution.edited ? ', with edited arguments' : ''}`]);
  }
  if (review.kind === 'call') pairs.push(['Execution', EXECUTION[execution.status]]);
  const { error } = execution;
  // What a target answered is as little ours as what the agent said.
  if (error !== null) pairs.push(['Error', clipper.text(`${visible(error.code)}: ${visible(error.message)}`)]);
  return [{ heading: 'How it ended', voice: 'holdpoint', blocks: [{ kind: 'pairs', pairs }] }];
}

const EXECUTION: Readonly<Record<Review['execution']['status'], string>> = {
  not_started: 'not made',
  executing: 'under way',
  executed: 'made',
  failed: 'failed',
  outcome_unknown: 'sent, and nobody knows whether it took effect: a person has to find out',
};

function explainReason(code: string): string {
  const words = Object.hasOwn(REASONS, code) ? REASONS[code as keyof typeof REASONS] : undefined;
  return words === undefined ? visible(code) : `${words} (${code})`;
}

/** JSON shows a text of several lines in one; SQL and messages are read line by line. */
function longTexts(args: JsonObject, clipper: Clipper): Block[] {
  return Object.entries(args).flatMap(([name, value]): Block[] =>
    typeof value === 'string' && value.includes('\n')
      ? [{ kind: 'code', label: `${visible(name)}, line by line`, lines: clipper.lines(visibleLines(value)) }]
      : [],
  );
}

function warnOfLookAlikes(args: JsonObject): Block[] {
  return findLookAlikes(JSON.stringify(args)).map(({ word, letters }) => ({
    kind: 'warning',
    text: `“${visible(word)}” is not what it looks like: ${letters.map(nameLetter).join(', ')} is no Latin letter.`,
  }));
}

/** What is sealed is shown as sealed: the ciphertext tells nobody anything. */
function maskSealed(value: Json): Json {
  if (isSealed(value)) return { $sealed: '(encrypted; only the execute worker can read it)' };
  if (Array.isArray(value)) return (value as readonly Json[]).map(maskSealed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, maskSealed(item)]));
}

function fillDescription(description: string, args: JsonObject): string {
  return visible(description).replaceAll(/\{([A-Za-z0-9_]+)\}/g, (whole, name: string) => {
    if (!Object.hasOwn(args, name)) return whole;
    const value = args[name] as Json;
    if (isSealed(value)) return '(sealed)';
    const text = visible(typeof value === 'string' ? value : JSON.stringify(value));
    return text.length <= 100 ? `“${text}”` : `“${text.slice(0, 100)}…”`;
  });
}
