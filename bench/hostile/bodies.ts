import { MAX_BODY_VALUES } from '../../src/contract/constants.ts';

/** As many values as a body may hold, without those around the arguments. */
const VALUES = MAX_BODY_VALUES - 100;

/** Arguments that make a reader work hardest for their length, one for each way of doing so. */
export const WORST: Readonly<Record<string, (bytes: number) => string>> = {
  'a long number': (bytes) => `{"x":1.${'0'.repeat(bytes - 9)}1}`,
  'deep nesting': (bytes) => {
    const depth = Math.min(Math.floor((bytes - 6) / 2), 60);
    return `{"x":${'['.repeat(depth)}${']'.repeat(depth)}}`;
  },
  numbers: (bytes) => `{"x":[${repeat('123456789012345', bytes - 8, VALUES)}]}`,
  'more values than may be': (bytes) => `{"x":[${repeat('1', bytes - 8, bytes)}]}`,
  'empty objects': (bytes) => `{"x":[${repeat('{}', bytes - 8, VALUES / 2)}]}`,
  'many keys': (bytes) => {
    const keys = Math.min(Math.floor(bytes / 14), VALUES);
    const digits = Math.floor(bytes / keys) - 7;
    return `{${Array.from({ length: keys }, (_, n) => `"k${String(n).padStart(digits, '0')}":1`).join(',')}}`;
  },
  'escaped characters': (bytes) => `{"x":"${String.raw`\u0001`.repeat(Math.floor((bytes - 8) / 6))}"}`,
  'characters beyond the first plane': (bytes) => `{"x":"${'😀'.repeat(Math.floor((bytes - 8) / 4))}"}`,
  blanks: (bytes) => `{"x":1${' '.repeat(bytes - 7)}}`,
  'a string that never ends': (bytes) => `{"x":"${'x'.repeat(bytes - 6)}`,
};

function repeat(item: string, bytes: number, most: number): string {
  const fitting = Math.floor(bytes / (item.length + 1));
  return Array.from({ length: Math.max(1, Math.min(fitting, most)) }, () => item).join(',');
}
