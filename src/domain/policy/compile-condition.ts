import type { FileProblem } from '../files/problem.ts';
import type { Path, YamlSource } from '../files/yaml-source.ts';
import { compileExpression, type Expression } from './expression.ts';

/** A condition with the place it stands at, for `policy explain`: `policy.yaml:31`. */
export interface Condition {
  readonly expression: Expression;
  readonly place: string;
}

/** Compiles the CEL text at a path; problems name the line and column inside it. */
export function compileCondition(
  source: YamlSource,
  path: Path,
  text: string,
): { readonly condition: Condition | undefined; readonly problems: readonly FileProblem[] } {
  const compiled = compileExpression(text);
  if (!compiled.ok) {
    const problems = compiled.problems.map(({ offset, message, fix }) => ({
      file: source.file,
      ...source.locateInside(path, offset),
      message,
      fix,
    }));
    return { condition: undefined, problems };
  }
  // The base name: what explains a decision to an agent must not tell where files are kept.
  const name = source.file.split(/[/\\]/).at(-1) ?? source.file;
  return { condition: { expression: compiled.expression, place: `${name}:${source.locate(path).line}` }, problems: [] };
}
