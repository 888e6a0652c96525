import type { AgentConfig, ConfigFile, ConnectorConfig, ReviewerConfig } from '../contract/config.ts';
import type { Policy } from './policy/policy.ts';

/** Everything in force from the two files, durations in milliseconds, defaults filled in. Immutable; replaced on reload. */
export interface Settings {
  readonly deploymentId: string;
  readonly agents: readonly AgentConfig[];
  readonly reviewers: readonly ReviewerConfig[];
  readonly policy: Policy;
  readonly callbacks: readonly string[];
  readonly unattested: 'hold' | 'allow' | 'refuse';
  readonly executeWithinMs: number;
  readonly freeze: readonly string[];
  readonly limits: {
    readonly pendingPerAgent: number;
    readonly irreversiblePerToolPerHour: number;
    readonly requestsPerMinute: number;
  };
  readonly connectors: Readonly<Record<string, ConnectorConfig>>;
  readonly notifications: ConfigFile['notifications'];
  readonly oidc: ConfigFile['oidc'];
  readonly publicUrl: string | null;
}

/** The settings in force now; a broken file keeps the old ones and shows in `problem`. */
export interface SettingsSource {
  current(): Settings;
  /** Why the files on disk are not the ones in force; null when they are. */
  problem(): string | null;
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
