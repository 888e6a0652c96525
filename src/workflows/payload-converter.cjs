'use strict';
// CommonJS and not TypeScript: the SDK loads this file by path, with `require` in a worker's or sender's process and
// through its bundler inside the workflow sandbox, from `src` in tests and from `dist` otherwise.
const { defaultPayloadConverter } = require('@temporalio/common');

/**
 * A total payload converter. Whoever can reach Temporal can send a signal with a payload that does not decode; with the
 * SDK's own converter every workflow task would fail from then on, and the gate could be decided no more. What cannot be
 * decoded becomes `{ $undecodable: true }`, which no schema of ours accepts.
 */
exports.payloadConverter = {
  toPayload: (value) => defaultPayloadConverter.toPayload(value),
  fromPayload: (payload) => {
    try {
      return defaultPayloadConverter.fromPayload(payload);
    } catch {
      return { $undecodable: true };
    }
  },
};
