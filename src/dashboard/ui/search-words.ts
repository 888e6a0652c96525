/** Whether texts hold every word of a search between them, in any case. */
export function holdsWords(texts: readonly (string | null)[], search: string): boolean {
  const text = texts.join('\n').toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
