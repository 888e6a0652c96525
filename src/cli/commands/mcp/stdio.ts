import type { Readable, Writable } from 'node:stream';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { Io } from '../../ui/io.ts';
import type { CliContext } from '../action.ts';
import { connect, type ConnectOptions } from '../connect.ts';
import { startBridge } from './bridge.ts';

/** What was asked before standard input ended is still answered, for so long. */
const LINGER_MS = 60_000;

/** Serves MCP on standard input and output until the client closes it. Nothing else is written to standard output. */
export async function serveStdio(io: Io, options: ConnectOptions, { streams, signal }: CliContext): Promise<void> {
  const { url, token } = connect(io, options, 'agent');
  const stdin = io.stdin as Readable;
  const local = new StdioServerTransport(stdin, streams.stdout as unknown as Writable) as Transport;
  const ended = new Promise<'ended' | 'stopped'>((resolve) => {
    stdin.once('end', () => resolve('ended'));
    stdin.once('close', () => resolve('ended'));
    signal.addEventListener('abort', () => resolve('stopped'), { once: true });
  });
  const bridge = await startBridge({ url, key: token, local, note: (text) => io.note(text) });
  if ((await ended) === 'ended') await bridge.settle(LINGER_MS);
  await bridge.close();
}
