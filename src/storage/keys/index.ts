export { KeyError } from './key-error.ts';
export { ensureKeys, loadKeys, rotateKey, type Keys } from './keys.ts';
export { resolveReference } from './reference.ts';
export { hashKey, newAgentKey, newReviewerToken } from './secrets.ts';
export { createSigner } from './signer.ts';
export { readTrust } from './trust.ts';
export { createVerifier } from './verifier.ts';
