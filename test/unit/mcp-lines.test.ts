import { expect, test } from 'vitest';
import { AnsweringLines } from '../../src/cli/commands/answering-lines.ts';

function read(line: string): { readonly message: unknown; readonly answers: readonly string[] } {
  const answers: string[] = [];
  const lines = new AnsweringLines(1_000_000, (answer) => answers.push(answer));
  lines.append(Buffer.from(`${line}\n`));
  try {
    return { message: lines.readMessage(), answers };
  } catch {
    return { message: undefined, answers };
  }
}

test.each([
  ['{"jsonrpc":"2.0","id":9007199254740993,"method":"tools/list"}', '9007199254740993', -32_600],
  ['{"jsonrpc":"2.0","id":-1e400,"method":"tools/list"}', '-1e400', -32_600],
  ['{"jsonrpc":"2.0","id":1.5,"method":"tools/list"}', '1.5', -32_600],
  ['{"jsonrpc":"2.0","id":7,"method":"ping","params":{"_meta":{"progressToken":9007199254740993}}}', '7', -32_600],
  ['{"jsonrpc":"2.0","id":"a","method":"ping","params":[1]}', '"a"', -32_600],
  ['[{"jsonrpc":"2.0","id":1,"method":"ping"}]', 'null', -32_600],
  ['{"jsonrpc":"2.0","id":null,"method":"ping"}', 'null', -32_600],
  ['hello', 'null', -32_700],
])('a line that is no message is answered: %s', (line, id, code) => {
  const { message, answers } = read(line);
  expect(message).toBeUndefined();
  expect(answers).toHaveLength(1);
  expect(answers[0]).toContain(`"id":${id},"error":{"code":${code},`);
  expect(answers[0]).toMatch(/\n$/);
});

test.each([
  '{"jsonrpc":"2.0","method":"notifications/cancelled","params":7}',
  '{"jsonrpc":"2.0","id":9007199254740993,"result":{}}',
  '  ',
])('what no one waits for is not answered: %s', (line) => {
  expect(read(line)).toEqual({ message: undefined, answers: [] });
});

test('a message whose arguments have numbers that a double does not hold is read', () => {
  const line =
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":{"n":9007199254740993}}}';
  expect(read(line)).toMatchObject({
    message: { id: 1, params: { arguments: { n: { $number: '9007199254740993' } } } },
    answers: [],
  });
});
