import { createRequire } from 'node:module';
import { defaultPayloadConverter, type Payload, type PayloadConverter } from '@temporalio/common';
import { expect, test } from 'vitest';
import { dataConverter } from '../../src/cli/compose/temporal.ts';

// The way the SDK loads it.
const { payloadConverter } = createRequire(import.meta.url)(dataConverter.payloadConverterPath ?? '') as {
  payloadConverter: PayloadConverter;
};
const bytes = (text: string) => new TextEncoder().encode(text);
const payload = (encoding: string, data: string): Payload => ({
  metadata: { encoding: bytes(encoding) },
  data: bytes(data),
});

test('values pass unchanged', () => {
  const value = { a: [1, 'x', null, true] };
  expect(payloadConverter.fromPayload(payloadConverter.toPayload(value))).toEqual(value);
});

test.each([
  [null],
  [0],
  [''],
  ['é€😀\ud800\0'],
  [[]],
  [{ a: undefined, b: 'x' }],
  [undefined],
  [new Uint8Array([1, 2])],
])('law 10: %j is written to the same bytes as by the SDK, and read alike', (value: unknown) => {
  const expected = defaultPayloadConverter.toPayload(value);
  expect(payloadConverter.toPayload(value)).toEqual(expected);
  expect(payloadConverter.fromPayload(expected)).toEqual(defaultPayloadConverter.fromPayload(expected));
});

test('text that is not UTF-8 is read as the SDK reads it', () => {
  const data = Uint8Array.from([0x22, 0x61, 0xff, 0xc3, 0x22]);
  const hostile: Payload = { metadata: { encoding: bytes('json/plain') }, data };
  expect(payloadConverter.fromPayload(hostile)).toEqual(defaultPayloadConverter.fromPayload(hostile));
});

test.each([
  ['broken JSON', payload('json/plain', '{"a":')],
  ['an unknown encoding', payload('binary/encrypted', 'x')],
  ['no encoding', { data: bytes('{}') } as Payload],
  ['no data', { metadata: { encoding: bytes('json/plain') } } as Payload],
  ['protobuf of a type that nobody knows', payload('json/protobuf', '{}')],
])('%s is a value and not an error', (_, hostile) => {
  expect(() => defaultPayloadConverter.fromPayload(hostile)).toThrow();
  expect(payloadConverter.fromPayload(hostile)).toEqual({ $undecodable: true });
});
