import type { AgentConfig, ReviewerConfig } from '../contract/config.ts';
import type { WithheldGroup } from '../domain/withheld-groups.ts';

/** Who speaks, as the credential proved it against the configuration in force. Nothing of it comes from the request. */
export type Principal = AgentPrincipal | ReviewerPrincipal;

export interface AgentPrincipal {
  readonly kind: 'agent';
  readonly id: string;
  readonly agent: AgentConfig;
}

export interface ReviewerPrincipal {
  readonly kind: 'reviewer';
  readonly id: string;
  readonly reviewer: ReviewerConfig;
  /** How the person proved who it is. */
  readonly method: 'token' | 'session' | 'oidc' | 'link' | 'slack';
  /** Of a dashboard's cookie; absent with a bearer token. */
  readonly session?: OpenSession;
  /** Where the person acts; a label in the record, not a proof. */
  readonly channel: 'api' | 'dashboard' | 'email' | 'slack' | 'cli';
}

/** A session that a request came with. Times are ISO 8601. */
export interface OpenSession {
  /** SHA-256 of the id that the cookie holds. */
  readonly idHash: string;
  /** SHA-256 of the secret that its cookie is encrypted with: with another secret in force the session is over. */
  readonly sealedWith: string;
  readonly csrfToken: string;
  /** Groups that the identity provider took away. */
  readonly withheldGroups: readonly WithheldGroup[];
  readonly startedAt: string;
  /** Ends then without another request. */
  readonly idleEndsAt: string;
  readonly endsAt: string;
}

/** One name per principal over both kinds: `agent:x` is not `reviewer:x`. */
export function principalKey(principal: Principal): string {
  return `${principal.kind}:${principal.id}`;
}
