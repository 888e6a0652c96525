import { randomUUID } from 'node:crypto';
import { ulidOf } from '../domain/ulid.ts';

/** A new ULID of a time (epoch ms). */
export function newUlid(now: number): string {
  return ulidOf(now, randomUUID());
}
