import type { Review } from '../../contract/review.ts';
import { findShortfall } from '../eligibility.ts';
import { explainReasons } from '../policy/explain-reasons.ts';
import { findAgent, type Settings } from '../policy/settings.ts';
import type { ShowOptions } from './shown.ts';

/** What the files in force say about a review that is shown. */
export function shownBy(
  settings: Settings,
  review: Review,
): Pick<ShowOptions, 'tool' | 'pinned' | 'shortfall' | 'reasons'> {
  const { proposer, call, kind } = review;
  return {
    tool: kind === 'call' ? settings.policy.findTool(call.tool)?.definition : undefined,
    shortfall: findShortfall(review, settings.reviewers),
    reasons: explainReasons(settings, call, review.reasonCodes),
    pinned: (proposer.attested ? findAgent(settings, proposer.id)?.context : undefined) ?? {},
  };
}
