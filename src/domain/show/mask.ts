import type { Json } from '../../contract/json.ts';
import { isSealed } from '../seal-binding.ts';

/** What is sealed is shown as sealed: the ciphertext tells nobody anything. */
export function maskSealed(value: Json): Json {
  if (isSealed(value)) return { $sealed: '(encrypted; only the execute worker can read it)' };
  if (Array.isArray(value)) return (value as readonly Json[]).map(maskSealed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, maskSealed(item)]));
}
