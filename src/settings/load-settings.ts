import type { ConfigFile } from '../contract/config.ts';
import { compilePolicy } from '../domain/policy/compile.ts';
import { buildSettings, matchesPattern, type Settings } from '../domain/policy/settings.ts';
import { checkConfig } from './check-config.ts';
import { checkPeople, votersByGroup } from './check-people.ts';
import { findNearest } from '../domain/files/nearest.ts';
import { parseCatalog, parseConfigFile, parsePolicyFile, type ParsedFile } from '../domain/files/parse-file.ts';
import { sortProblems, type FileProblem } from '../domain/files/problem.ts';
import type { Path, YamlSource } from '../domain/files/yaml-source.ts';

export interface TextFile {
  readonly name: string;
  readonly text: string;
}

export interface SettingsInput {
  readonly config: TextFile;
  /** The file that the configuration's `policy` names; absent where the configuration cannot be read so far. */
  readonly policy: TextFile | undefined;
  /** Built-in catalogs by the name that `include` gives. */
  readonly catalogs: ReadonlyMap<string, TextFile>;
  /** Counts where the configuration names none. */
  readonly deploymentId: string;
}

export type SettingsResult =
  | {
      readonly ok: true;
      readonly settings: Settings;
      readonly warnings: readonly FileProblem[];
      /** The configuration file, for who must say later where in it something stands. */
      readonly source: YamlSource;
    }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

const NOT_READ = { ok: false, problems: [] } as const;

/** The two files as text → settings in force, or everything that is wrong with either. */
export function loadSettings({ config, policy, catalogs, deploymentId }: SettingsInput): SettingsResult {
  const parsedConfig = parseConfigFile(config.text, config.name);
  const parsedPolicy = policy === undefined ? NOT_READ : parsePolicyFile(policy.text, policy.name);
  const parsedCatalogs = [...catalogs].map(([name, file]) => ({ name, parsed: parseCatalog(name, file.text, file.name) }));
  const broken = [parsedConfig, parsedPolicy, ...parsedCatalogs.map(({ parsed }) => parsed)];
  const unreadable = broken.flatMap((parsed) => (parsed.ok ? [] : parsed.problems));
  if (!parsedConfig.ok || !parsedPolicy.ok || unreadable.length > 0) {
    // What can be checked of the other file already is: one round of corrections instead of two.
    const more = parsedConfig.ok ? checkConfigFile(parsedConfig.file).problems : [];
    return { ok: false, problems: sortProblems([...unreadable, ...more]) };
  }
  const people = checkConfigFile(parsedConfig.file);
  const compiled = compilePolicy({
    user: parsedPolicy.file,
    catalogs: new Map(parsedCatalogs.flatMap(({ name, parsed }) => (parsed.ok ? [[name, parsed.file] as const] : []))),
    groups: votersByGroup(parsedConfig.file.value),
    connectors: parsedConfig.file.value.connectors ?? {},
    agents: parsedConfig.file.value.agents ?? [],
  });
  if (!compiled.ok || people.problems.length > 0) {
    return { ok: false, problems: sortProblems([...people.problems, ...(compiled.ok ? [] : compiled.problems)]) };
  }
  const settings = buildSettings(parsedConfig.file.value, compiled.policy, { deploymentId });
  const idle = findIdlePatterns(parsedConfig.file, settings);
  const warnings = sortProblems([...people.warnings, ...compiled.warnings, ...idle]);
  return { ok: true, settings, warnings, source: parsedConfig.file.source };
}

/** The path of the policy file as the configuration has it; undefined where the configuration cannot be read. */
export function policyPathOf(config: TextFile): string | undefined {
  const parsed = parseConfigFile(config.text, config.name);
  return parsed.ok ? parsed.file.value.policy : undefined;
}

function checkConfigFile(file: ParsedFile<ConfigFile>): {
  readonly problems: readonly FileProblem[];
  readonly warnings: readonly FileProblem[];
} {
  const people = checkPeople(file);
  return { problems: [...people.problems, ...checkConfig(file)], warnings: people.warnings };
}

/** Patterns that fit no tool: a freeze that stops nothing should not look like one that does. */
function findIdlePatterns({ value, source }: ParsedFile<ConfigFile>, settings: Settings): readonly FileProblem[] {
  const tools = [...settings.policy.tools.keys()];
  const entries: (readonly [string, Path])[] = [
    ...(value.freeze ?? []).map((pattern, index) => [pattern, ['freeze', index]] as const),
    ...(value.agents ?? []).flatMap((agent, at) =>
      (agent.tools ?? []).map((pattern, index) => [pattern, ['agents', at, 'tools', index]] as const),
    ),
  ];
  return entries
    .filter(
      ([pattern]) =>
        pattern !== '*' && !pattern.startsWith('mcp.') && !tools.some((tool) => matchesPattern(pattern, tool)),
    )
    .map(([pattern, path]) => {
      const nearest = findNearest(pattern, tools);
      const fix = nearest === undefined ? 'Correct it, or delete it' : `Did you mean "${nearest}"?`;
      return source.problem(path, `no tool fits "${pattern}"`, fix);
    });
}
