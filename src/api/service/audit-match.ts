import type { AuditFilter } from '../../contract/audit-query.ts';
import type { AuditEntry } from '../../contract/audit.ts';
import { entryWords, TYPE_WORDS } from '../../domain/words.ts';

/** Whether an entry fits a filter; undefined where every entry does. */
export function entryMatcher(filter: AuditFilter): ((entry: AuditEntry) => boolean) | undefined {
  const { reviewId, type, person, since, until, q } = filter;
  if ([reviewId, type, person, since, until, q].every((part) => part === undefined)) return undefined;
  const types = type === undefined ? undefined : new Set<string>(type.split(','));
  const [from, to] = [since, until].map((time) => (time === undefined ? undefined : Date.parse(time)));
  const words = q === undefined ? [] : wordsOf(q);
  return (entry) => {
    const at = Date.parse(entry.at);
    return (
      (reviewId === undefined || ('reviewId' in entry && entry.reviewId === reviewId)) &&
      (types === undefined || types.has(entry.type)) &&
      (person === undefined || peopleOf(entry).includes(person)) &&
      (from === undefined || at >= from) &&
      (to === undefined || at < to) &&
      (words.length === 0 || hasWords(entry, words))
    );
  };
}

function wordsOf(search: string): readonly string[] {
  return [...new Set(search.toLowerCase().split(/\s+/))].filter((word) => word !== '');
}

function hasWords(entry: AuditEntry, words: readonly string[]): boolean {
  const text = textOf(entry).toLowerCase();
  return words.every((word) => text.includes(word));
}

/**
 * What an entry holds and what the page says of it. Without the names of its fields and the deployment's, which every
 * entry has.
 */
function textOf(entry: AuditEntry): string {
  const { deploymentId: _same, ...own } = entry;
  const held = Object.values(own).flatMap((value) =>
    typeof value === 'string' ? [value] : Array.isArray(value) ? value : [],
  );
  return [TYPE_WORDS[entry.type], entryWords(entry), ...held].join('\n');
}

/** Everybody whom an entry names, the one who acted first. */
export function peopleOf(entry: AuditEntry): readonly string[] {
  switch (entry.type) {
    case 'proposed':
      return entry.owner === null ? [entry.proposer] : [entry.proposer, entry.owner];
    case 'decided':
    case 'objected':
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
