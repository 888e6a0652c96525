export { KeyError, type KeyErrorCode } from './key-error.ts';
export { ensureKeys, loadKeys, rotateKey, type Keys } from './keys.ts';
export type { PrivateKey } from './private-key.ts';
export { resolveReference } from './reference.ts';
export { hashKey, newAgentKey, newReviewerToken } from './secrets.ts';
export { createSigner, type RoleSigner } from './signer.ts';
export { followTrust, readTrust, type TrustSource } from './trust.ts';
export { createVerifier, type ResolveReference, type TrustVerifier } from './verifier.ts';
