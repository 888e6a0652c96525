import { spawn } from 'node:child_process';
import { temporalArguments, prepareServer } from '../../src/cli/embedded/temporal-server.ts';
import { findTemporalCli } from '../../src/cli/embedded/temporal-cli.ts';
import { freePort } from './ports.ts';

export interface SpecialServer {
  readonly address: string;
  stop(): Promise<void>;
}

/**
 * A Temporal dev server that is not quite ours: with other dynamic configuration (keys of the server's
 * `common/dynamicconfig`), or without Holdpoint's search attributes.
 */
export async function specialServer(options: {
  readonly dynamicConfig?: Readonly<Record<string, string | number | boolean>>;
  readonly withoutSearchAttributes?: boolean;
}): Promise<SpecialServer> {
  const binary = await findTemporalCli(process.env, () => undefined);
  const port = await freePort();
  const args = temporalArguments({ databaseFile: null, port, uiPort: null }).filter(
    (argument, index, all) =>
      options.withoutSearchAttributes !== true ||
      (argument !== '--search-attribute' && all[index - 1] !== '--search-attribute'),
  );
  const extra = Object.entries(options.dynamicConfig ?? {}).flatMap(([key, value]) => [
    '--dynamic-config-value',
    `${key}=${JSON.stringify(value)}`,
  ]);
  const server = spawn(binary, [...args, ...extra], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const kill = (): void => void server.kill('SIGKILL');
  process.once('exit', kill);
  const address = `127.0.0.1:${port}`;
  await prepareServer(address, 60_000, () => server.exitCode === null);
  return {
    address,
    stop: async () => {
      process.removeListener('exit', kill);
      kill();
      await ended;
    },
  };
}
