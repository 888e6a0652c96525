import type { Review } from '../../contract/review.ts';
import { viewForAgent } from '../../domain/show/agent-view.ts';
import type { Principal } from '../principal.ts';

/** Reviewers and auditors see every review, an agent its own alone; to it others do not exist. */
export function maySee(principal: Principal, review: Pick<Review, 'proposer'>): boolean {
  switch (principal.kind) {
    case 'reviewer':
      return true;
    case 'agent':
      return review.proposer.id === principal.id;
    default:
      return principal satisfies never;
  }
}

/** The state as a principal may read it. */
export function redactFor(principal: Principal, review: Review): Review {
  return principal.kind === 'reviewer' ? review : viewForAgent(review);
}
