import type { ReviewRow } from '../../contract/review.ts';
import { summaryOfRow, titleText } from '../../domain/show/title.ts';
import { holdsWords } from '../ui/search-words.ts';

/** A line of the inbox: a heading, a review, or reviews of one group folded into one line. */
export type InboxItem =
  | { readonly kind: 'heading'; readonly key: string; readonly text: string }
  | { readonly kind: 'review'; readonly key: string; readonly row: ReviewRow; readonly inGroup: boolean }
  | {
      readonly kind: 'group';
      readonly key: string;
      readonly name: string;
      readonly proposer: string;
      readonly rows: readonly ReviewRow[];
      readonly open: boolean;
    };

/** Reviews of one group are put together at the place of the first; a group of one is shown as a review. */
export function foldGroups(
  rows: readonly ReviewRow[],
  section: string,
  openGroups: ReadonlySet<string>,
): readonly InboxItem[] {
  const byGroup = new Map<string, ReviewRow[]>();
  for (const row of rows) {
    const id = groupId(row);
    const members = byGroup.get(id);
    if (members === undefined) byGroup.set(id, [row]);
    else members.push(row);
  }
  const done = new Set<string>();
  return rows.flatMap((row): InboxItem[] => {
    const id = groupId(row);
    const members = byGroup.get(id) ?? [];
    if (id === '' || row.group === null || members.length < 2) return [reviewItem(row, false)];
    if (done.has(id)) return [];
    done.add(id);
    const key = `${section}:${id}`;
    const open = openGroups.has(key);
    const head: InboxItem = { kind: 'group', key, name: row.group, proposer: row.proposer.id, rows: members, open };
    return open ? [head, ...members.map((member) => reviewItem(member, true))] : [head];
  });
}

/** A group is its proposer's own: another's group of the same name is another. Empty: none. */
function groupId(row: ReviewRow): string {
  return row.group === null ? '' : `${row.proposer.id}\n${row.group}`;
}

function reviewItem(row: ReviewRow, inGroup: boolean): InboxItem {
  return { kind: 'review', key: row.reviewId, row, inGroup };
}

/** Whose reviews these are, each once. */
export function proposersOf(rows: readonly ReviewRow[]): readonly string[] {
  return [...new Set(rows.map(({ proposer }) => proposer.id))].toSorted();
}

/** Whether a row has the words that were searched for, all of them, in any of its texts. */
export function matchesSearch(row: ReviewRow, search: string): boolean {
  const texts = [
    titleText(row),
    summaryOfRow(row),
    row.tool,
    row.proposer.id,
    row.proposer.owner,
    row.reason,
    row.group,
    row.threadId,
    row.reviewId,
  ];
  return holdsWords(texts, search);
}
