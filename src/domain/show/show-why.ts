import { REASONS } from '../../contract/codes.ts';
import type { Review } from '../../contract/review.ts';
import { countYeses } from '../eligibility.ts';
import { fillTemplate } from '../text/write-value.ts';
import { formatLeft, formatSpan } from '../text/time.ts';
import { visible, visibleJson } from '../text/visible.ts';
import { splitContext } from './context.ts';
import { maskSealed } from './mask.ts';
import type { Block, Clipper, Section, ShowOptions } from './shown.ts';

type Pair = readonly [label: string, value: string];

/** What it is in the policy's words, why it is held, who is answerable, how long is left. */
export function showWhy(review: Review, options: ShowOptions, clipper: Clipper): Section {
  const { now, tool, pinned } = options;
  const { proposer } = review;
  const reasons = review.reasonCodes.map(explainReason).join('; ') || 'the class of the tool asks for it';
  const pairs: Pair[] = [
    ...(tool?.description === undefined
      ? []
      : [
          [
            'In plain words',
            visible(fillTemplate(tool.description, review.call.arguments ?? {}, (placeholder) => placeholder)),
          ] as const,
        ]),
    ['Class', review.class ?? 'not classified'],
    ['Held because', tool?.reason === undefined ? reasons : `${reasons} (${visible(tool.reason)})`],
    ['Proposed by', `${visible(proposer.id)}, ${formatSpan(now - Date.parse(review.proposedAt))} ago`],
    ['Answerable', proposer.owner === null ? 'nobody' : visible(proposer.owner)],
  ];
  if (review.status === 'pending' || review.status === 'changes_requested') {
    const until = review.expiresAt === null ? '' : ` (until ${review.expiresAt}; silence is no)`;
    pairs.push(['Time left', `${formatLeft(review.expiresAt, now)}${until}`]);
  }
  if (review.revision > 1) {
    const editor = review.revisions.at(-1)?.by ?? proposer.id;
    pairs.push(['Version', `${review.revision}, by ${visible(editor)}; votes on earlier versions are void`]);
  }
  const config = splitContext(review.context, pinned).pinned;
  const blocks: Block[] = [{ kind: 'pairs', pairs }];
  if (Object.keys(config).length > 0) {
    const lines = clipper.lines(visibleJson(maskSealed(config)));
    blocks.push({ kind: 'code', label: 'Context that the configuration pins for this proposer', lines });
  }
  if (!proposer.attested) {
    blocks.push({ kind: 'warning', text: 'Not attested: nobody vouches for who proposed this.' });
  }
  return { heading: 'Why it is held, and who is answerable', voice: 'holdpoint', blocks };
}

/** Who says yes, step by step, and how far it is. */
export function showLevels(review: Review): Section[] {
  if (review.levels.length === 0) return [];
  const pairs = review.levels.map((level, index): Pair => {
    const yes = countYeses(level);
    const { approvers, escalation, quorum, status } = level;
    const later =
      escalation === null ? '' : `; from ${visible(escalation.at)} also ${escalation.to.map(visible).join(' or ')}`;
    const groups = `${approvers.map(visible).join(' or ')}${later}`;
    return [`${index + 1}. ${visible(level.name)}`, `${yes} of ${quorum} from ${groups} (${LEVEL[status]})`];
  });
  if (review.separationOfDuties) {
    pairs.push(['Separation of duties', 'the proposer, its owner and who voted on an earlier level cannot vote']);
  }
  return [{ heading: 'Who says yes', voice: 'holdpoint', blocks: [{ kind: 'pairs', pairs }] }];
}

const LEVEL: Readonly<Record<Review['levels'][number]['status'], string>> = {
  waiting: 'not open yet',
  open: 'open',
  passed: 'passed',
};

function explainReason(code: string): string {
  const words = Object.hasOwn(REASONS, code) ? REASONS[code as keyof typeof REASONS] : undefined;
  return words === undefined ? visible(code) : `${words} (${code})`;
}
