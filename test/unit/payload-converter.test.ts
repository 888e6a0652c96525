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
  ['broken JSON', payload('json/plain', '{"a":')],
  ['an unknown encoding', payload('binary/encrypted', 'x')],
  ['no encoding', { data: bytes('{}') } as Payload],
  ['no data', { metadata: { encoding: bytes('json/plain') } } as Payload],
  ['protobuf of a type that nobody knows', payload('json/protobuf', '{}')],
])('%s is a value and not an error', (_, hostile) => {
  expect(() => defaultPayloadConverter.fromPayload(hostile)).toThrow();
  expect(payloadConverter.fromPayload(hostile)).toEqual({ $undecodable: true });
});
