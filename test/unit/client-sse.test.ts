import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { EventSplitter, type ServerSentEvent } from '../../src/client/events.ts';

function split(...pieces: readonly string[]): ServerSentEvent[] {
  const splitter = new EventSplitter();
  return pieces.flatMap((piece) => [...splitter.push(piece)]);
}

describe('EventSplitter', () => {
  const stream = ': hello\nid: 41\nevent: review\ndata: {"a":\ndata: 1}\n\n: still here\n\nid: 42\r\ndata:x\r\n\r\n';
  const events = [
    { id: '41', event: 'review', data: '{"a":\n1}' },
    { id: '42', event: 'message', data: 'x' },
  ];

  test('reads fields, joins data, ignores comments', () => {
    expect(split(stream)).toEqual(events);
  });

  test('cuts anywhere give the same events, also inside CRLF', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 8 }), (cuts) => {
        const at = [0, ...cuts.toSorted((a, b) => a - b), stream.length];
        const pieces = at.slice(1).map((end, i) => stream.slice(at[i], end));
        expect(split(...pieces)).toEqual(events);
      }),
    );
  });

  test('an event that is not finished is not given out', () => {
    expect(split('id: 1\ndata: half')).toEqual([]);
    expect(split('id: 1\ndata: half', '\n')).toEqual([]);
  });

  test('the id stays until another one comes', () => {
    expect(split('id: 7\ndata: a\n\ndata: b\n\n').map((event) => event.id)).toEqual(['7', '7']);
  });
});
