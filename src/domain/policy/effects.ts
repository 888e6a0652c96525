import type { CallClass } from '../../contract/call.ts';
import type { Effect } from '../../contract/policy.ts';
import { stricterClass } from './strictness.ts';

/** What moves money, gives access, destroys, or changes what CI or users run cannot be taken back by another call. */
const LOWEST: Readonly<Record<Effect, CallClass>> = {
  none: 'reversible',
  read: 'reversible',
  publish: 'sensitive',
  money: 'irreversible',
  access: 'irreversible',
  destroy: 'irreversible',
  code: 'irreversible',
};

/** The weakest class that a tool with these effects may have. */
export function lowestClass(effects: readonly Effect[]): CallClass {
  return effects.map((effect) => LOWEST[effect]).reduce(stricterClass, 'reversible');
}
