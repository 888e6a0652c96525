import type { ConfigFile } from '../contract/config.ts';
import type { ParsedFile } from '../domain/files/parse-file.ts';
import type { FileProblem } from '../domain/files/problem.ts';
import type { Path } from '../domain/files/yaml-source.ts';
import { voterOf } from '../domain/eligibility.ts';
import { suggest } from '../domain/files/nearest.ts';

/** What a check finds: problems keep a file from being loaded. */
export interface Checked {
  readonly problems: readonly FileProblem[];
  readonly warnings: readonly FileProblem[];
}

/** The hash of the examples: no key has it, so any number of people may share it and none can sign in with it. */
const PLACEHOLDER = '0'.repeat(64);

/** Who may propose and decide: each of them one principal, found by one credential, answerable to a known person. */
export function checkPeople(file: ParsedFile<ConfigFile>): Checked {
  const { value, source } = file;
  const agents = value.agents ?? [];
  const reviewers = value.reviewers ?? [];
  const problems: FileProblem[] = [
    ...findDuplicates(file, [
      ...agents.map(({ id }, index) => ({ value: id, path: ['agents', index, 'id'] })),
      ...reviewers.map(({ id }, index) => ({ value: id, path: ['reviewers', index, 'id'] })),
    ]),
    ...findDuplicates(
      file,
      agents.map(({ keySha256 }, index) => ({ value: keySha256, path: ['agents', index, 'keySha256'] })),
    ),
    ...findDuplicates(
      file,
      agents.map(({ publicKey }, index) => ({ value: publicKey, path: ['agents', index, 'publicKey'] })),
    ),
    // One person under two names could vote twice. Mail reaches one mailbox in any case, and a Slack user is one person
    // with or without the team; an identity provider's subjects differ where a letter does.
    ...(['tokenSha256', 'email', 'slack', 'subject'] as const).flatMap((field) =>
      findDuplicates(
        file,
        reviewers.map((reviewer, index) => ({ value: reviewer[field], path: ['reviewers', index, field] })),
        field === 'email'
          ? (email) => email.toLowerCase()
          : field === 'slack'
            ? (id) => id.slice(id.indexOf('/') + 1)
            : undefined,
      ),
    ),
  ];
  const warnings: FileProblem[] = [];
  const names = new Set(reviewers.map(({ id }) => id));
  for (const [index, agent] of agents.entries()) {
    const path = ['agents', index];
    if (agent.keySha256 === undefined && agent.publicKey === undefined) {
      const fix = `Add keySha256 (\`holdpoint keys create agent\` prints one) or publicKey`;
      problems.push(source.problem(path, `the agent ${agent.id} has no credential`, fix));
    }
    if (agent.owner !== undefined && !names.has(agent.owner)) {
      const fix = suggest(agent.owner, names, `Add a reviewer with the id ${agent.owner}, or name another owner`);
      problems.push(source.problem([...path, 'owner'], `the owner ${agent.owner} is not a reviewer`, fix));
    }
    if (agent.keySha256 === PLACEHOLDER) warnings.push(placeholder(file, [...path, 'keySha256'], 'agent'));
  }
  for (const [index, reviewer] of reviewers.entries()) {
    const path = ['reviewers', index];
    const { tokenSha256, email, slack, subject } = reviewer;
    if (tokenSha256 === PLACEHOLDER) warnings.push(placeholder(file, [...path, 'tokenSha256'], 'reviewer'));
    if ([tokenSha256, email, slack, subject].every((way) => way === undefined)) {
      const fix = `Add tokenSha256 (\`holdpoint keys create reviewer\` prints one), email, slack or subject`;
      warnings.push(source.problem(path, `${reviewer.id} has no way to sign in`, fix));
    }
    if (subject === undefined) continue;
    if (!/^https?:\/\/[^#]+#.+$/.test(subject)) {
      const message = `the subject ${subject} is not an issuer and a subject`;
      problems.push(source.problem([...path, 'subject'], message, 'Write it as https://login.example.com#<sub>'));
    } else if (value.oidc === undefined) {
      const message = 'a subject needs an identity provider';
      warnings.push(source.problem([...path, 'subject'], message, 'Add the oidc block'));
    }
  }
  return { problems, warnings };
}

/** Each operator is one known person or group, and there are enough of them to lift what one has frozen. */
export function checkOperators({ value, source }: ParsedFile<ConfigFile>): Checked {
  const people = new Set((value.reviewers ?? []).filter(({ role }) => role !== 'auditor').map(({ id }) => id));
  const groups = votersByGroup(value);
  const problems = (value.operators ?? []).flatMap((name, index) => {
    const isPerson = people.has(name);
    if (isPerson !== groups.has(name)) return [];
    const path = ['operators', index];
    if (isPerson) {
      const message = `"${name}" is both a reviewer and a group`;
      return [source.problem(path, message, 'Rename one of the two: it must be clear who is an operator')];
    }
    const fix = suggest(name, [...people, ...groups.keys()], 'Write the id of a reviewer, or a group');
    return [source.problem(path, `the operator "${name}" is neither a reviewer who decides nor a group`, fix)];
  });
  if (value.liftBySecondPerson !== true || problems.length > 0) return { problems, warnings: [] };
  const path = ['liftBySecondPerson'];
  if (value.operators === undefined) {
    const fix = 'Add operators: [<reviewer or group>], or delete liftBySecondPerson';
    return {
      problems: [source.problem(path, 'liftBySecondPerson has no effect without operators', fix)],
      warnings: [],
    };
  }
  const operators = new Set(value.operators.flatMap((name) => [...(groups.get(name) ?? [name])]));
  const alone = 'there is only one operator, so a freeze could not be lifted';
  return { problems, warnings: operators.size > 1 ? [] : [source.problem(path, alone, 'Add another operator')] };
}

/** Reviewers who may vote, by group: auditors decide nothing. */
export function votersByGroup(config: ConfigFile): ReadonlyMap<string, ReadonlySet<string>> {
  const groups = new Map<string, Set<string>>();
  for (const reviewer of config.reviewers ?? []) {
    for (const group of voterOf(reviewer).groups) {
      groups.set(group, (groups.get(group) ?? new Set()).add(reviewer.id));
    }
  }
  return groups;
}

function findDuplicates(
  { source }: ParsedFile<ConfigFile>,
  entries: readonly { readonly value: string | undefined; readonly path: Path }[],
  keyOf: (value: string) => string = (value) => value,
): readonly FileProblem[] {
  const byKey = new Map<string, { readonly value: string; readonly path: Path }[]>();
  for (const { value, path } of entries) {
    if (value === undefined || value === PLACEHOLDER) continue;
    const key = keyOf(value);
    const same = byKey.get(key);
    if (same === undefined) byKey.set(key, [{ value, path }]);
    else same.push({ value, path });
  }
  return [...byKey.values()]
    .filter((same) => same.length > 1)
    .flatMap((same) => {
      const located = same.map(({ value, path }) => ({ value, path, line: source.locate(path).line }));
      const [first, ...others] = located.toSorted((a, b) => a.line - b.line);
      return others.map(({ value, path }) => {
        const field = String(path.at(-1));
        const shown = field.endsWith('Sha256') ? field : `${field} ${value}`;
        const message = `the ${shown} duplicates line ${first?.line ?? 0}`;
        return source.problem(path, message, 'Give each agent and each reviewer its own');
      });
    });
}

function placeholder({ source }: ParsedFile<ConfigFile>, path: Path, role: 'agent' | 'reviewer'): FileProblem {
  const fix = `Run \`holdpoint keys create ${role}\` and write its hash here`;
  return source.problem(path, 'this is a placeholder that matches no key', fix);
}
