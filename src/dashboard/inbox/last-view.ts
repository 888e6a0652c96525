import type { InboxFilters } from './filters.ts';

/** How the inbox was left, so that going back to it finds the same list. Lasts as long as the page. */
let last: InboxFilters = {};

export function keepInboxView(filters: InboxFilters): void {
  last = filters;
}

export function lastInboxView(): InboxFilters {
  return last;
}
