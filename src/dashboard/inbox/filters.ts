import type { ReviewStatus } from '../../contract/review.ts';
import { capitalize, ENDED_STATUSES, OPEN_STATUSES, STATUS } from '../../domain/lifecycle.ts';
import { words } from '../words.ts';
import type { ListFilter } from '../data/place-row.ts';

/** Filters of the inbox, as in the address. Absent: everything that waits. */
export interface InboxFilters {
  readonly status?: string;
  readonly tool?: string;
  readonly service?: string;
  readonly proposer?: string;
  readonly group?: string;
  readonly threadId?: string;
  /** Searched for in what is loaded. */
  readonly q?: string;
}

export const STATUS_CHOICES: readonly (readonly [value: string, text: string])[] = [
  ['', words.inbox.waiting],
  ['changes_requested', words.inbox.changesRequested],
  ['outcome_unknown', words.inbox.outcomeUnknown],
  ['not_started', words.inbox.notRun],
  ...ENDED_STATUSES.map((status) => [status, capitalize(STATUS[status].label)] as const),
  ['all', words.inbox.all],
];

const NAMES = ['status', 'tool', 'service', 'proposer', 'group', 'threadId', 'q'] as const;
const STATUSES = new Set(STATUS_CHOICES.map(([status]) => status));

export function readFilters(search: Readonly<Record<string, unknown>>): InboxFilters {
  const found = NAMES.flatMap((name) => {
    const value = search[name];
    if (typeof value !== 'string' || value === '' || value.length > 255) return [];
    return name === 'status' && !STATUSES.has(value) ? [] : [[name, value] as const];
  });
  return Object.fromEntries(found);
}

/** Whether the inbox is as it opens: what waits, mine first. */
export function isWaiting(filters: InboxFilters): boolean {
  return filters.status === undefined;
}

export function toListFilter({ status, q: _q, ...exact }: InboxFilters): ListFilter {
  if (status === undefined) return { ...exact, status: OPEN_STATUSES };
  // Not a status of the decision: what became of the call afterwards.
  if (status === 'outcome_unknown' || status === 'not_started') return { ...exact, execution: status };
  return status === 'all' ? exact : { ...exact, status: status as ReviewStatus };
}

/** How the inbox was left, so that going back to it finds the same list. Lasts as long as the page. */
let last: InboxFilters = {};

export function keepInboxView(filters: InboxFilters): void {
  last = filters;
}

export function lastInboxView(): InboxFilters {
  return last;
}
