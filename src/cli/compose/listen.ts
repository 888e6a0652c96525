import type { Server } from 'node:http';
import { StartError } from '../start-error.ts';
import type { Shutdown } from './serve.ts';

interface Listening {
  readonly host: string;
  readonly port: number;
  /** The variable that sets the port. */
  readonly variable: string;
}

/**
 * Listens from now on; `name` is the step of the shutdown that closes the server.
 *
 * @throws StartError `port_in_use`, `setting_invalid`
 */
export async function listenUntilShutdown(
  server: Server,
  { host, port, variable }: Listening,
  name: string,
  shutdown: Shutdown,
): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, host, resolve);
    });
  } catch (error) {
    throw explainListen(error, host, port, variable);
  }
  shutdown.add(name, () => {
    server.closeAllConnections();
    server.close();
  });
}

/** Why a server cannot listen, and the variable to change. */
export function explainListen(error: unknown, host: string, port: number, variable: string): StartError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') {
    return new StartError('port_in_use', `Port ${port} is in use by another program. Set ${variable} to a free port.`);
  }
  if (code === 'EACCES') {
    return new StartError(
      'port_in_use',
      `Port ${port} may not be opened by this user. Set ${variable} to 1024 or more.`,
    );
  }
  return new StartError('setting_invalid', `Cannot listen on ${host}, port ${port} (${String(code)}).`, {
    cause: error,
  });
}
