/** Attribute of spans: the id of the review that a request is about. */
export const HOLDPOINT_REVIEW_ID = 'holdpoint.review_id';
