import type { ListOptions } from '../../client/reviews.ts';

/** Which reviews a list holds; pages are the query's own affair. */
export type ListFilter = Omit<ListOptions, 'limit' | 'cursor'>;
