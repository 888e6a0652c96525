import type { Effect, PolicyFile, ToolDefinition } from '../../contract/policy.ts';
import { canonicalJson, sameJson } from '../proof/digest.ts';
import type { ParsedFile } from '../files/parse-file.ts';
import type { FileProblem } from '../files/problem.ts';
import type { Path, YamlSource } from '../files/yaml-source.ts';
import { gateOf, isWeakerClass, isWeakerGate, lowestClass } from './strictness.ts';

/** A tool after includes and overrides, and where people can change it. */
export interface MergedTool {
  readonly definition: ToolDefinition;
  readonly origin: 'builtin' | 'user';
  readonly overridden: boolean;
  readonly source: YamlSource;
  readonly path: Path;
}

export interface MergedTools {
  readonly tools: ReadonlyMap<string, MergedTool>;
  readonly problems: readonly FileProblem[];
  readonly warnings: readonly FileProblem[];
}

/**
 * Lays the user's tools over the built-in ones. An entry of the same name changes what it states and keeps the rest;
 * what loosens the built-in tool is refused without `override: true`. A stated schema of arguments is required in
 * addition to the built-in one, and in its place with `override: true`.
 */
export function mergeTools(user: ParsedFile<PolicyFile>, catalogs: readonly ParsedFile<PolicyFile>[]): MergedTools {
  const tools = new Map<string, MergedTool>();
  const problems: FileProblem[] = [];
  const warnings: FileProblem[] = [];
  for (const { value, source } of catalogs) {
    for (const [index, definition] of (value.tools ?? []).entries()) {
      const path = ['tools', index];
      if (tools.has(definition.name)) problems.push(duplicate(source, path, definition.name));
      if (definition.effects === undefined) {
        problems.push(source.problem(path, `${definition.name} declares no effects`, 'Add effects: a catalog must'));
      }
      tools.set(definition.name, { definition, origin: 'builtin', overridden: false, source, path });
    }
  }
  const own = new Set<string>();
  for (const [index, stated] of (user.value.tools ?? []).entries()) {
    const path = ['tools', index];
    const { source } = user;
    const builtin = tools.get(stated.name);
    if (own.has(stated.name)) problems.push(duplicate(source, path, stated.name));
    own.add(stated.name);
    if (builtin === undefined || builtin.origin === 'user') {
      const loosened = findBelowEffects(stated, stated.effects ?? []);
      problems.push(...refuseLoosened(loosened, stated, source, path));
      if (stated.override === true && loosened.length === 0) {
        const message = 'this tool is not built in, and its class is not below its effects: nothing to override';
        warnings.push(source.problem([...path, 'override'], message, 'Delete it'));
      }
      tools.set(stated.name, { definition: stated, origin: 'user', overridden: loosened.length > 0, source, path });
      continue;
    }
    const definition = layOver(builtin.definition, stated);
    const loosened = findLoosened(builtin.definition, definition);
    problems.push(...refuseLoosened(loosened, stated, source, path));
    const replacedSchema = stated.override === true && stated.arguments !== undefined;
    const overridden = loosened.length > 0 || replacedSchema;
    tools.set(stated.name, { definition, origin: 'builtin', overridden, source, path });
  }
  return { tools, problems, warnings };
}

/** Loosening is refused without `override: true`. */
function refuseLoosened(
  loosened: readonly Loosened[],
  stated: ToolDefinition,
  source: YamlSource,
  path: Path,
): readonly FileProblem[] {
  if (stated.override === true) return [];
  const fix = 'Make it stricter, or add override: true; every record of the call will show it';
  return loosened.map(({ field, message }) => source.problem([...path, field], `${stated.name}: ${message}`, fix));
}

function layOver(builtin: ToolDefinition, stated: ToolDefinition): ToolDefinition {
  const { gate, arguments: builtinSchema, ...inherited } = builtin;
  const { override, ...changes } = stated;
  const schema = stated.arguments ?? builtinSchema;
  const both =
    stated.arguments !== undefined && builtinSchema !== undefined && override !== true
      ? { ...builtinSchema, allOf: [...listOf(builtinSchema['allOf']), stated.arguments] }
      : schema;
  return {
    ...inherited,
    // A gate belongs to the class it was stated with.
    ...(gate !== undefined && stated.class === builtin.class ? { gate } : {}),
    ...changes,
    ...(both === undefined ? {} : { arguments: both }),
    ...(override === true ? { override } : {}),
  };
}

interface Loosened {
  readonly field: keyof ToolDefinition;
  readonly message: string;
}

function findLoosened(builtin: ToolDefinition, merged: ToolDefinition): readonly Loosened[] {
  const loosened: Loosened[] = [];
  if (isWeakerClass(merged.class, builtin.class)) {
    loosened.push({ field: 'class', message: `class ${merged.class} is weaker than the built-in ${builtin.class}` });
  } else if (isWeakerGate(gateOf(merged), gateOf(builtin))) {
    loosened.push({ field: 'gate', message: `gate ${gateOf(merged)} is weaker than the built-in ${gateOf(builtin)}` });
  }
  const added = (merged.effects ?? []).filter((effect) => builtin.effects?.includes(effect) !== true);
  if (loosened.length === 0) loosened.push(...findBelowEffects(merged, added));
  for (const field of ['effects', 'seal', 'redact'] as const) {
    const kept: readonly string[] = merged[field] ?? [];
    const dropped = (builtin[field] ?? []).filter((item) => !kept.includes(item));
    if (dropped.length > 0) loosened.push({ field, message: `${field} lacks the built-in ${dropped.join(', ')}` });
  }
  const proofs = new Set((builtin.deferOn ?? []).map((proof) => canonicalJson(proof)));
  if ((merged.deferOn ?? []).some((proof) => !proofs.has(canonicalJson(proof)))) {
    const message = 'deferOn names answers that the built-in one does not take for a proof that nothing ran';
    loosened.push({ field: 'deferOn', message });
  }
  for (const field of ['types', 'functions'] as const) {
    const known: readonly string[] = builtin.allow?.[field] ?? [];
    const more = (merged.allow?.[field] ?? []).filter((name) => !known.includes(name));
    if (more.length > 0) loosened.push({ field: 'allow', message: `allow adds ${field}: ${more.join(', ')}` });
  }
  for (const field of ['connector', 'request', 'preview', 'sql', 'mcpTool', 'idempotency', 'money'] as const) {
    if (!sameJson(builtin[field] ?? null, merged[field] ?? null)) {
      loosened.push({ field, message: `${field} differs from the built-in one` });
    }
  }
  return loosened;
}

/** A class below what effects demand. Upstream annotations are never effects: only the policy file states them. */
function findBelowEffects(tool: ToolDefinition, effects: readonly Effect[]): readonly Loosened[] {
  const lowest = lowestClass(effects);
  if (!isWeakerClass(tool.class, lowest)) return [];
  const demanding = effects.filter((effect) => isWeakerClass(tool.class, lowestClass([effect])));
  const message = `class ${tool.class} is weaker than its effects allow: ${demanding.join(', ')} requires ${lowest}`;
  return [{ field: 'class', message }];
}

function duplicate(source: YamlSource, path: Path, name: string): FileProblem {
  return source.problem([...path, 'name'], `the tool ${name} is defined twice`, 'Keep one of the two');
}

function listOf<T>(value: T | readonly T[] | undefined): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : [];
}
