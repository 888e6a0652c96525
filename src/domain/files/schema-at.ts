import type { z } from 'zod';
import type { Path } from './yaml-source.ts';

/** What of zod's own description of a schema is looked at here. */
interface Definition {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly innerType?: z.ZodType;
  readonly options?: readonly z.ZodType[];
}
const definitionOf = (schema: z.ZodType): Definition => schema.def as unknown as Definition;

/** Keys that the schema allows in the object at a path. Empty: any. */
export function knownKeysAt(schema: z.ZodType, path: Path): readonly string[] {
  const keys = schemasAt(schema, path).flatMap((found) => Object.keys(definitionOf(found).shape ?? {}));
  return [...new Set(keys)];
}

/** The schemas that may apply at a path (several where a union stands on the way). */
function schemasAt(schema: z.ZodType, path: Path): readonly z.ZodType[] {
  const { type, shape, element, valueType, innerType, options } = definitionOf(schema);
  if (type === 'optional' && innerType !== undefined) return schemasAt(innerType, path);
  if (type === 'union' && options !== undefined) return options.flatMap((option) => schemasAt(option, path));
  const [step, ...rest] = path;
  if (step === undefined) return [schema];
  const next = shape !== undefined ? shape[String(step)] : (element ?? valueType);
  return next === undefined ? [] : schemasAt(next, rest);
}
