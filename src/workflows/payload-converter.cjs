'use strict';
// CommonJS and not TypeScript: the SDK loads this file by path, with `require` in a worker's or sender's process and
// through its bundler inside the workflow sandbox, from `src` in tests and from `dist` otherwise.
const { defaultPayloadConverter, RawValue } = require('@temporalio/common');

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const ENCODING = defaultPayloadConverter.toPayload(null).metadata.encoding;

/**
 * A total payload converter. Anyone who can reach Temporal can send a signal with a payload that does not decode; with the
 * SDK's own converter every workflow task would fail from then on, and the gate could be decided no more. What cannot be
 * decoded becomes `{ $undecodable: true }`, which none of our schemas accepts.
 *
 * JSON is encoded and decoded by the platform, to the same bytes as by the SDK, whose UTF-8 is written in JavaScript and
 * takes ten times as long for a call of 256 KiB.
 */
exports.payloadConverter = {
  toPayload: (value) => {
    // A raw value carries its own payload, as the SDK's answer to the metadata query does.
    const isJson = value !== undefined && !ArrayBuffer.isView(value) && !(value instanceof RawValue);
    const json = isJson ? JSON.stringify(value) : undefined;
    if (json === undefined) return defaultPayloadConverter.toPayload(value);
    return { metadata: { encoding: ENCODING }, data: encoder.encode(json) };
  },
  fromPayload: (payload) => {
    try {
      return readJson(payload) ?? defaultPayloadConverter.fromPayload(payload);
    } catch {
      return { $undecodable: true };
    }
  },
};

/** Undefined: not JSON, or not UTF-8, which is the SDK's to judge. Throws on JSON that is not well-formed. */
function readJson({ metadata, data }) {
  let text;
  try {
    if (decoder.decode(metadata.encoding) !== 'json/plain') return undefined;
    text = decoder.decode(data);
  } catch {
    return undefined;
  }
  return JSON.parse(text);
}
