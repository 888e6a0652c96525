import { CLASSES, GATES, type CallClass, type Gate } from '../../contract/call.ts';
import type { Effect, ToolDefinition } from '../../contract/policy.ts';

/** What a class demands unless a tool or a rule says otherwise. A forbidden call never reaches a gate. */
const DEFAULT_GATES: Readonly<Record<CallClass, Gate>> = {
  reversible: 'none',
  sensitive: 'soft',
  irreversible: 'hard',
  forbidden: 'hard',
};

/** The gate a tool or rule stands for: its own, or its class's. */
export function gateOf(of: { readonly class: CallClass; readonly gate?: Gate | null | undefined }): Gate {
  return of.class === 'irreversible' || of.class === 'forbidden' ? 'hard' : (of.gate ?? DEFAULT_GATES[of.class]);
}

export function stricterClass(a: CallClass, b: CallClass): CallClass {
  return CLASSES.indexOf(a) >= CLASSES.indexOf(b) ? a : b;
}

export function stricterGate(a: Gate, b: Gate): Gate {
  return GATES.indexOf(a) >= GATES.indexOf(b) ? a : b;
}

export function isWeakerClass(a: CallClass, b: CallClass): boolean {
  return CLASSES.indexOf(a) < CLASSES.indexOf(b);
}

export function isWeakerGate(a: Gate, b: Gate): boolean {
  return GATES.indexOf(a) < GATES.indexOf(b);
}

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

/** Whether all that a tool does is answer. */
export function onlyReads({ class: callClass, effects, request }: ToolDefinition): boolean {
  if (callClass !== 'reversible') return false;
  return effects === undefined ? request?.method === 'GET' : effects.join() === 'read';
}

/** The weakest class that a tool with these effects may have. */
export function lowestClass(effects: readonly Effect[]): CallClass {
  return effects.map((effect) => LOWEST[effect]).reduce(stricterClass, 'reversible');
}
