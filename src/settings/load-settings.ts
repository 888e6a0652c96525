import type { ConfigFile } from '../contract/config.ts';
import type { PolicyFile } from '../contract/policy.ts';
import { compilePolicy } from '../domain/policy/compile.ts';
import { findUnmatched } from '../domain/policy/frozen.ts';
import { buildSettings, type Settings } from '../domain/policy/settings.ts';
import { checkConfig } from './check-config.ts';
import { votersByGroup } from './check-people.ts';
import { suggest } from '../domain/files/nearest.ts';
import {
  parseCatalog,
  parseConfigFile,
  parsePolicyFile,
  type ParsedFile,
  type ParseResult,
} from '../domain/files/parse-file.ts';
import { sortProblems, type FileProblem } from '../domain/files/problem.ts';
import type { Path, YamlSource } from '../domain/files/yaml-source.ts';

export interface TextFile {
  readonly name: string;
  readonly text: string;
}

export interface SettingsInput {
  readonly config: TextFile;
  /** The policy file, or how the one is read that the configuration's `policy` names, where that much can be read. */
  readonly policy: TextFile | ((named: string) => TextFile);
  /** Built-in catalogs by the name that `include` gives. */
  readonly catalogs: ReadonlyMap<string, TextFile & { readonly parsed?: PolicyFile }>;
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
      readonly policy: TextFile;
    }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

/** The two files as text → settings in force, or everything that is wrong with either. */
export function loadSettings({ config, policy, catalogs, deploymentId }: SettingsInput): SettingsResult {
  const parsedConfig = parseConfigFile(config.text, config.name);
  const policyFile = readPolicyFile(policy, parsedConfig);
  const parsedPolicy = policyFile === undefined ? undefined : parsePolicyFile(policyFile.text, policyFile.name);
  const parsedCatalogs = [...catalogs].map(([name, file]) => ({
    name,
    parsed: parseCatalog(name, file.text, file.name, file.parsed),
  }));
  const parsed = [
    parsedConfig,
    ...(parsedPolicy === undefined ? [] : [parsedPolicy]),
    ...parsedCatalogs.map((catalog) => catalog.parsed),
  ];
  const unreadable = parsed.flatMap((file) => (file.ok ? [] : file.problems));
  if (!parsedConfig.ok || policyFile === undefined || parsedPolicy?.ok !== true || unreadable.length > 0) {
    // What can be checked of the other file already is: one round of corrections instead of two.
    const more = parsedConfig.ok ? checkConfig(parsedConfig.file).problems : [];
    return { ok: false, problems: sortProblems([...unreadable, ...more]) };
  }
  const people = checkConfig(parsedConfig.file);
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
  return { ok: true, settings, warnings, source: parsedConfig.file.source, policy: policyFile };
}

function readPolicyFile(policy: SettingsInput['policy'], config: ParseResult<ConfigFile>): TextFile | undefined {
  if (typeof policy !== 'function') return policy;
  return config.ok ? policy(config.file.value.policy) : undefined;
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
    .filter(([pattern]) => findUnmatched([pattern], tools).length > 0)
    .map(([pattern, path]) => {
      const fix = suggest(pattern, tools, 'Correct it, or delete it');
      return source.problem(path, `no tool matches "${pattern}"`, fix);
    });
}
