import type { Review, Shortfall, UpstreamChanges } from '../../contract/review.ts';
import { isDrill } from '../drill.ts';
import { hasEnded } from '../lifecycle.ts';
import { findUnreadPins } from '../missing-facts.ts';
import { said, saidList, type Line } from './shown.ts';

const DRILL =
  'This is a drill: nothing will happen. Approve it to show that it reached you. It ends once everyone has answered.';

/** What is to be noticed before the rest of a review is read. */
export function writeWarnings(review: Review, shortfall: Shortfall | undefined): readonly Line[] {
  const unpinned = writeUnreadPins(review);
  if (isDrill(review)) return [[DRILL]];
  return [
    ...(review.proposer.attested || review.kind === 'in-flow'
      ? []
      : [['Not attested: the proposer’s name is only claimed, and nobody vouches for it.']]),
    ...(review.upstreamChanges === undefined ? [] : [changesWords(review.upstreamChanges)]),
    ...(shortfall === undefined ? [] : [shortfallWords(shortfall)]),
    ...(unpinned === null ? [] : [unpinned]),
  ];
}

function changesWords({ tools, more }: UpstreamChanges): Line {
  const named = tools.flatMap(({ tool, parts }, index): Line => [
    index === 0 ? '' : '; ',
    said(tool),
    parts.length === 0 ? '' : ` (${parts.join(', ')})`,
  ]);
  const rest = more === 0 ? '' : `; and ${more} more`;
  return [
    'Its MCP server has changed since it was accepted: ',
    ...named,
    `${rest}. Until the policy accepts it, all its calls are held.`,
  ];
}

/** What the call is not held to, because it could not be read; null: nothing, or nothing can be approved any more. */
export function writeUnreadPins(review: Review): Line | null {
  const labels = review.kind === 'call' && !hasEnded(review.status) ? findUnreadPins(review) : undefined;
  if (labels === undefined) return null;
  const what: Line =
    labels === null
      ? ['What this call acts on could not be read']
      : ['Not read: ', ...labels.flatMap((label, index): Line => [...(index === 0 ? [] : [', ']), { policy: label }])];
  return [...what, '. If it changes before the call runs, the call runs all the same.'];
}

/** Warns reviewers not to wait for votes that cannot come. */
function shortfallWords({ level, quorum, votes, left, lost }: Shortfall): Line {
  const name: Line = ['the level ', { policy: level }];
  if (lost.length > 0) {
    const whose: Line = ['The approval of ', ...saidList(lost, ' and '), ' no longer counts: they may not vote on '];
    return [
      ...whose,
      ...name,
      ' any more. The call would not run even if it were approved; it has to be proposed again.',
    ];
  }
  const who: Line =
    left.length === 0
      ? ['nobody else may vote on it']
      : ['of those who may, only ', ...saidList(left, ' and '), ' could still vote'];
  return [
    'Too few people are left to approve this: ',
    ...name,
    ` needs ${quorum} and has ${votes}, and `,
    ...who,
    '. Unless reviewers are added to its groups, the answer will be no.',
  ];
}
