/** Few among many, listed in the order of lists: calls that wait to be reconciled, and approved ones not claimed yet. */
export const openExecutions = `
CREATE INDEX reviews_outcome_unknown ON holdpoint.reviews (status, sort_at, review_id)
 WHERE execution_status = 'outcome_unknown';
CREATE INDEX reviews_not_started ON holdpoint.reviews (status, sort_at, review_id)
 WHERE status = 'approved' AND kind = 'call' AND execution_status = 'not_started';
`;
