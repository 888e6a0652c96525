import type { DecisionType, Review } from '../../contract/review.ts';
import { nextEscalation } from '../deadline.ts';
import { isDrill } from '../drill.ts';
import { hasEnded } from '../lifecycle.ts';
import { reasonWords } from '../words.ts';
import { splitContext } from './show-call.ts';
import { readersOf, showHeldBy } from './show-held.ts';
import { writeWarnings } from './show-warnings.ts';
import { pair, said, saidList, type Block, type Line, type Pair, type Section, type ShowOptions } from './shown.ts';

export function showWhy(review: Review, options: ShowOptions): Section {
  return review.kind === 'call' ? showHeld(review, options) : showAsked(review, options);
}

/** Why it is held, who is answerable, how long is left. */
function showHeld(
  review: Review,
  { now, tool, pinned, shortfall = review.shortfall, reasons: more = review.reasons ?? [] }: ShowOptions,
): Section {
  const { proposer } = review;
  // A rule's own reason is its name, and follows with the rule.
  const named = new Set(review.heldBy?.rules.map(({ reason }) => reason));
  const reasons = review.reasonCodes.filter((code) => !named.has(code)).map(writeReason);
  const because: Line = [
    `${review.class ?? 'not classified'}: `,
    { policy: reasons.join('; ') || (named.size > 0 ? 'a rule of the policy' : 'The class of the tool requires it') },
    ...(tool?.reason ? ['. ', { policy: tool.reason }] : []),
  ];
  const proposed: Line = [' proposed ', { at: review.proposedAt, now }];
  const pairs: Pair[] = [
    pair('Why it is held', because),
    ...more.map(({ message }) => pair('More exactly', [said(message)])),
    ...showHeldBy(review),
    showVersion(review),
    proposer.owner === null
      ? { ...pair('Owner', ['No owner (', said(proposer.id), ',', ...proposed, ')']), tone: 'bad' }
      : pair('Owner', [said(proposer.owner), ' for ', said(proposer.id), ',', ...proposed]),
  ];
  pairs.push(...showTimeLeft(review, now));
  const blocks: Block[] = [{ kind: 'pairs', pairs }];
  const config = splitContext(review.context, pinned ?? {}).pinned;
  if (Object.keys(config).length > 0) {
    const readers = readersOf(review, 'context');
    blocks.push({
      kind: 'values',
      label: 'Context that the configuration pins for this proposer',
      values: config,
      readers,
    });
  }
  blocks.push(...writeWarnings(review, shortfall).map((line) => ({ kind: 'warning', line }) as const));
  return { id: 'why', heading: 'Why it is held, and who is answerable', voice: 'holdpoint', blocks };
}

function writeReason(code: string): string {
  const words = reasonWords(code);
  return words === code ? code : `${words} (${code})`;
}

/** Who asks a question, and how long it waits. */
function showAsked(review: Review, { now, shortfall = review.shortfall }: ShowOptions): Section {
  const drill = isDrill(review);
  const at = { at: review.proposedAt, now };
  const pairs = [
    drill
      ? pair('Started by', [said(review.proposer.owner ?? review.proposer.id), ', ', at])
      : pair('Asked by', [...askerOf(review), ', ', at, UNSIGNED]),
    ...(review.revision === 1 ? [] : [showVersion(review)]),
    ...showTimeLeft(review, now),
  ];
  const warnings = writeWarnings(review, shortfall).map((line) => ({ kind: 'warning', line }) as const);
  const heading = drill ? 'This is a drill' : 'Who asks';
  return { id: 'why', heading, voice: 'holdpoint', blocks: [{ kind: 'pairs', pairs }, ...warnings] };
}

const UNSIGNED = ' (not signed: any program with access to Temporal can ask under this name)';
const WORKFLOW = 'workflow:';

function askerOf({ proposer: { id } }: Review): Line {
  return id.startsWith(WORKFLOW) ? ['workflow ', said(id.slice(WORKFLOW.length))] : [said(id)];
}

const ANSWERS: Readonly<Partial<Record<DecisionType, readonly [label: string, meaning: string]>>> = {
  approve: ['Approve', 'the workflow goes on with the proposal as it stands'],
  edit: ['Edit', 'the workflow goes on with the proposal as you change it'],
  respond: ['Answer', 'the workflow receives your words, or JSON, in place of a yes or no'],
  reject: ['Reject', 'the workflow receives a no, with your comment'],
};

/** What each answer means to the workflow that asks: it may ask for some of them only. */
export function showAnswers(review: Review): Section[] {
  const { kind, status, allowedDecisions } = review;
  if (kind === 'call' || hasEnded(status) || isDrill(review)) return [];
  const pairs = allowedDecisions.flatMap((type) => {
    const [label, meaning] = ANSWERS[type] ?? [];
    return label === undefined || meaning === undefined ? [] : [pair(label, meaning)];
  });
  if (pairs.length === 0) return [];
  const none = pair('No answer in time', 'the workflow receives “expired”, which is not a yes');
  const blocks = [{ kind: 'pairs', pairs: [...pairs, none] } as const];
  return [{ id: 'answers', heading: 'What the answers mean', voice: 'holdpoint', blocks }];
}

function showVersion({ revision, revisions, proposer }: Review): Pair {
  if (revision === 1) return pair('What changed', 'nothing: this is the first version');
  const by = said(revisions.at(-1)?.by ?? proposer.id);
  return pair('What changed', [`version ${revision}, by `, by, '; votes on earlier versions no longer count']);
}

/** How long it still waits, and who may decide later. */
function showTimeLeft(review: Review, now: number): readonly Pair[] {
  const { kind, status, expiresAt } = review;
  if (hasEnded(status)) return [];
  const then = kind === 'call' ? ', then the answer is no' : '';
  const left: Line = expiresAt === null ? ['no deadline yet'] : [{ until: expiresAt, now }, then];
  const next = nextEscalation(review, now);
  const escalation =
    next === null
      ? []
      : [pair('Escalation', ['from ', { at: next.at }, ' also ', ...saidList(next.to), ' may decide'])];
  return [{ ...pair('Time left', left), isDeadline: true }, ...escalation];
}
