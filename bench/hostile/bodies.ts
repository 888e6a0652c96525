/** Arguments that make a reader work hardest for their length, one for each way of doing so. */
export const WORST: Readonly<Record<string, (bytes: number) => string>> = {
  'a long number': (bytes) => `{"x":1.${'0'.repeat(bytes - 9)}1}`,
  'deep nesting': (bytes) => {
    const depth = Math.min(Math.floor((bytes - 6) / 2), 60);
    return `{"x":${'['.repeat(depth)}${']'.repeat(depth)}}`;
  },
  'small numbers': (bytes) => `{"x":[${repeat('1', bytes - 8)}]}`,
  'empty objects': (bytes) => `{"x":[${repeat('{}', bytes - 8)}]}`,
  'many keys': (bytes) =>
    `{${Array.from({ length: Math.floor(bytes / 14) }, (_, n) => `"k${String(n).padStart(7, '0')}":1`).join(',')}}`,
  'escaped characters': (bytes) => `{"x":"${String.raw`\u0001`.repeat(Math.floor((bytes - 8) / 6))}"}`,
  'characters beyond the first plane': (bytes) => `{"x":"${'😀'.repeat(Math.floor((bytes - 8) / 4))}"}`,
  blanks: (bytes) => `{"x":1${' '.repeat(bytes - 7)}}`,
  'a string that never ends': (bytes) => `{"x":"${'x'.repeat(bytes - 6)}`,
};

function repeat(item: string, bytes: number): string {
  return Array.from({ length: Math.max(1, Math.floor(bytes / (item.length + 1))) }, () => item).join(',');
}
