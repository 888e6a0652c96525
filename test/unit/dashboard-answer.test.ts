import { expect, test } from 'vitest';
import { readAnswer } from '../../src/dashboard/decide/answer.ts';

test('an answer is text as it stands, or the value that JSON writes', () => {
  expect(readAnswer('{"days": 3}', false)).toBe('{"days": 3}');
  expect(readAnswer('{"days": 3}', true)).toEqual({ days: 3 });
  expect(readAnswer('null', true)).toBeNull();
  expect(readAnswer('{days: 3}', true)).toBeUndefined();
  expect(readAnswer(' ', false)).toBeUndefined();
});
