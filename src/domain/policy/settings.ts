import type { AgentConfig, ConfigFile, ConnectorConfig, LogLevel, ReviewerConfig } from '../../contract/config.ts';
import type { Digest } from '../../contract/json.ts';
import type { Freezes } from '../../contract/freeze.ts';
import { durationMs } from '../../contract/policy.ts';
import { voterOf } from '../eligibility.ts';
import { digestOf } from '../proof/digest.ts';
import type { Policy } from './policy.ts';
import type { UpstreamTool } from '../upstream.ts';
import { defined } from '../../contract/defined.ts';

/** What the two files say, durations in milliseconds, defaults filled in. Immutable; replaced on reload. */
export interface Settings {
  readonly deploymentId: string;
  readonly agents: readonly AgentConfig[];
  readonly reviewers: readonly ReviewerConfig[];
  readonly policy: Policy;
  /** Of everything that the configuration file says, but how much is logged: parts judge by the same file whatever they log. */
  readonly configDigest: Digest;
  readonly callbacks: readonly string[];
  readonly unattested: 'hold' | 'allow' | 'refuse';
  readonly executeWithinMs: number;
  readonly freeze: readonly string[];
  /** Ids of reviewers, and groups. */
  readonly operators: readonly string[];
  readonly liftBySecondPerson: boolean;
  readonly limits: {
    readonly pendingPerAgent: number;
    readonly irreversiblePerToolPerHour: number;
    readonly sensitivePerToolPerHour: number;
    readonly requestsPerMinute: number;
  };
  readonly connectors: Readonly<Record<string, ConnectorConfig>>;
  readonly notifications: ConfigFile['notifications'];
  readonly oidc: ConfigFile['oidc'];
  readonly publicUrl: string | null;
  /** Null: as the environment says. */
  readonly logLevel: LogLevel | null;
}

/** What was learnt of upstream MCP servers while running. */
export interface Upstreams {
  /** Their tools as they were last seen, by connector and the upstream's own tool name. */
  readonly tools: ReadonlyMap<string, ReadonlyMap<string, UpstreamTool>>;
  /**
   * Servers that have listed their tools, or have had their time to. Calls of any other's are not taken yet: all of them
   * would be held for a human, only because the server was not asked yet.
   */
  readonly settled: ReadonlySet<string>;
}

/** What calls are judged by. Without `upstreams` nothing is known of any, and calls of their tools are held. */
export interface InForce extends Settings {
  readonly upstreams?: Upstreams;
  /** As the database was last read. Whoever judged by others than those that stand is refused there. */
  readonly freezes?: Freezes;
}

/** What is in force now; a broken file keeps the old settings and shows in `problem`. */
export interface SettingsSource {
  current(): InForce;
  /** Why the files on disk are not the ones in force; null when they are. */
  problem(): string | null;
}

/** What calls are judged by, where they are made. */
export interface InForceSource extends SettingsSource {
  /** Reads the freezes again. Throws `database_unavailable`. */
  refresh(): Promise<InForce>;
}

const DEFAULT_LIMITS: Settings['limits'] = {
  pendingPerAgent: 200,
  irreversiblePerToolPerHour: 60,
  sensitivePerToolPerHour: 600,
  requestsPerMinute: 600,
};
const DEFAULT_EXECUTE_WITHIN = '1h';

/** Settings of a checked configuration file. `deploymentId` counts where the file names none. */
export function buildSettings(
  config: ConfigFile,
  policy: Policy,
  fallback: { readonly deploymentId: string },
): Settings {
  const { log, ...judgedBy } = config;
  return {
    deploymentId: config.deploymentId ?? fallback.deploymentId,
    agents: config.agents ?? [],
    reviewers: config.reviewers ?? [],
    policy,
    configDigest: digestOf(judgedBy),
    callbacks: config.callbacks ?? [],
    unattested: config.unattested ?? 'hold',
    executeWithinMs: durationMs(config.executeWithin ?? DEFAULT_EXECUTE_WITHIN),
    freeze: config.freeze ?? [],
    operators: config.operators ?? [],
    liftBySecondPerson: config.liftBySecondPerson ?? false,
    limits: { ...DEFAULT_LIMITS, ...defined(config.limits ?? {}) },
    connectors: config.connectors ?? {},
    notifications: config.notifications,
    oidc: config.oidc,
    publicUrl: config.publicUrl ?? null,
    logLevel: log?.level ?? null,
  };
}

/** `*`, an exact name, or a prefix that ends in `*`. Nothing else is a pattern. */
export function matchesPattern(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}

export function findAgent(settings: Settings, id: string): AgentConfig | undefined {
  return settings.agents.find((agent) => agent.id === id);
}

export function findReviewer(settings: Settings, id: string): ReviewerConfig | undefined {
  return settings.reviewers.find((reviewer) => reviewer.id === id);
}

/** Groups for which a reviewer may vote; none for an auditor, or a person who is no longer in the directory. */
export function votingGroupsOf(settings: Settings, reviewerId: string): readonly string[] {
  const reviewer = findReviewer(settings, reviewerId);
  return reviewer === undefined ? [] : voterOf(reviewer).groups;
}

/** Where people reach the api, without a slash at the end. `fallback`: where the configuration has no `publicUrl`. */
export function pageBaseOf({ publicUrl }: Pick<Settings, 'publicUrl'>, fallback: string | null): string | null {
  return (publicUrl ?? fallback)?.replace(/\/$/, '') ?? null;
}
