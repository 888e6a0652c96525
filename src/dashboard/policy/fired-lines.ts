import type { Explanation } from '../../contract/api.ts';

/** Lines of the policy file that hold a rule that fired. A source reads `policy.yaml:12 <condition>`. */
export function firedLines({ rules }: Pick<Explanation, 'rules'>, file: string): readonly number[] {
  return rules.flatMap(({ source }) => {
    const [, name, line] = /^(.*?):(\d+) /.exec(source) ?? [];
    return name === file && line !== undefined ? [Number(line)] : [];
  });
}
