export { KeyError } from './key-files.ts';
export { ensureKeys, hashKey, loadKeys, newAgentKey, newReviewerToken, rotateKey, type Keys } from './keys.ts';
export { resolveReference } from './reference.ts';
export { readTrust } from './trust.ts';
export { createSigner, createVerifier } from './envelopes.ts';
