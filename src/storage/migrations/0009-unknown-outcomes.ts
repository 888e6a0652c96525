/** Calls that wait to be reconciled: few among many, listed in the order of lists. */
export const unknownOutcomes = `
CREATE INDEX reviews_outcome_unknown ON holdpoint.reviews (status, sort_at, review_id)
 WHERE execution_status = 'outcome_unknown';
`;
