import { durationMs } from '../contract/policy.ts';

const DEFAULT_TIMEOUT_MS = 30_000;

interface Timed {
  readonly timeout?: string | undefined;
}

/** The longest that a call through a connector may take where its tool does not say otherwise, ms. */
export function connectorTimeoutMs(connector: Timed | undefined): number {
  return connector?.timeout === undefined ? DEFAULT_TIMEOUT_MS : durationMs(connector.timeout);
}

/** The longest that a call of a tool may take, ms: its own `timeout`, shorter or longer than its connector's. */
export function callTimeoutMs(tool: Timed | undefined, connectorMs: number): number {
  return tool?.timeout === undefined ? connectorMs : durationMs(tool.timeout);
}
