import type { AuditFilter } from '../../contract/audit-query.ts';
import type { AuditEntry } from '../../contract/audit.ts';

/** Whether an entry fits a filter; undefined where every entry does. */
export function entryMatcher(filter: AuditFilter): ((entry: AuditEntry) => boolean) | undefined {
  const { reviewId, type, person, since, until } = filter;
  if ([reviewId, type, person, since, until].every((part) => part === undefined)) return undefined;
  const types = type === undefined ? undefined : new Set<string>(type.split(','));
  const [from, to] = [since, until].map((time) => (time === undefined ? undefined : Date.parse(time)));
  return (entry) => {
    const at = Date.parse(entry.at);
    return (
      (reviewId === undefined || ('reviewId' in entry && entry.reviewId === reviewId)) &&
      (types === undefined || types.has(entry.type)) &&
      (person === undefined || peopleOf(entry).includes(person)) &&
      (from === undefined || at >= from) &&
      (to === undefined || at < to)
    );
  };
}

/** Everybody whom an entry names, the one who acted first. */
export function peopleOf(entry: AuditEntry): readonly string[] {
  switch (entry.type) {
    case 'proposed':
      return entry.owner === null ? [entry.proposer] : [entry.proposer, entry.owner];
    case 'decided':
      return [entry.reviewer];
    case 'revised':
    case 'withdrawn':
    case 'reconciled':
      return [entry.by];
    case 'notified':
      return entry.recipients;
    case 'classified':
    case 'expired':
    case 'aborted':
    case 'started':
    case 'finished':
    case 'unknown':
    case 'policy_changed':
      return [];
    default:
      return entry satisfies never;
  }
}
