import type { CallClass, Gate } from '../../contract/call.ts';
import { REASONS } from '../../contract/codes.ts';
import type { PolicyFile } from '../../contract/policy.ts';
import type { ParsedFile } from '../files/parse-file.ts';
import type { FileProblem } from '../files/problem.ts';
import type { Path, YamlSource } from '../files/yaml-source.ts';
import { compileCondition, type Condition } from './compile-condition.ts';

export interface CompiledRule {
  readonly source: YamlSource;
  readonly path: Path;
  readonly condition: Condition;
  readonly class: CallClass;
  /** Null: the class's own. */
  readonly gate: Gate | null;
  readonly reason: string | null;
}

export function compileRules({ value, source }: ParsedFile<PolicyFile>): {
  readonly rules: readonly CompiledRule[];
  readonly problems: readonly FileProblem[];
} {
  const rules: CompiledRule[] = [];
  const problems: FileProblem[] = [];
  for (const [index, rule] of (value.rules ?? []).entries()) {
    const path = ['rules', index];
    const { condition, problems: found } = compileCondition(source, [...path, 'when'], rule.when);
    problems.push(...found);
    if (rule.class === 'irreversible' && rule.gate !== undefined && rule.gate !== 'hard') {
      const message = `an irreversible rule cannot have the gate ${rule.gate}`;
      problems.push(source.problem([...path, 'gate'], message, 'Delete the gate: irreversible is always hard'));
    }
    if (rule.reason !== undefined && Object.hasOwn(REASONS, rule.reason)) {
      const message = `the reason ${rule.reason} is one of Holdpoint’s own codes`;
      problems.push(
        source.problem([...path, 'reason'], message, 'Choose another word, such as one that names the rule'),
      );
    }
    if (condition === undefined) continue;
    rules.push({
      source,
      path: [...path, 'when'],
      condition,
      class: rule.class,
      gate: rule.gate ?? null,
      reason: rule.reason ?? null,
    });
  }
  return { rules, problems };
}
