import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ConnectorConfig, HttpConnectorConfig } from '../../src/contract/config.ts';

/** One request of one of Holdpoint's clients. */
export type Outgoing =
  /** `address`: what the host's name resolves to. */
  | { readonly client: 'http'; readonly config: HttpConnectorConfig; readonly address?: string }
  | { readonly client: 'mcp'; readonly config: ConnectorConfig }
  | { readonly client: 'webhook'; readonly url: string; readonly allowPrivateAddresses: boolean }
  | { readonly client: 'identity provider'; readonly issuer: string }
  /** Slack and the command line. */
  | { readonly client: 'fetch'; readonly url: string };

const RUNNER = `
  const { runnerImport } = await import('vite');
  await runnerImport(process.argv[1], { configFile: false, logLevel: 'error' });
`;
const SENDER = new URL('outgoing-sender.ts', import.meta.url).pathname;

/** Sends them in a process of its own: Node reads some variables only when it starts. */
export async function sendFrom(
  env: Readonly<Record<string, string>>,
  ...requests: readonly Outgoing[]
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', RUNNER, SENDER], {
    env: { ...process.env, ...env, HOLDPOINT_TEST_REQUESTS: JSON.stringify(requests) },
  });
  return JSON.parse(stdout) as readonly Readonly<Record<string, unknown>>[];
}
