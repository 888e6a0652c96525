import type { AuditEntry } from '../../contract/audit.ts';
import { canonicalJson } from './digest.ts';
import { hashLeaf, type Hash } from './tree.ts';

/** A leaf of the log is the RFC 8785 form of one audit entry; its UTF-8 bytes are what is hashed. */
export function leafOf(entry: AuditEntry): string {
  return canonicalJson(entry);
}

export function hashEntry(entry: AuditEntry): Hash {
  return hashLeaf(leafOf(entry));
}
