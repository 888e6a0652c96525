import { upstreamListSchema } from '../../../contract/upstream-view.ts';
import { CliError } from '../../ui/exit.ts';
import type { Io } from '../../ui/io.ts';
import { visible } from '../../ui/visible.ts';
import { connect, type ConnectOptions } from '../connect.ts';

/** Prints what upstreams list now, and for what changed the lines to put into the policy file once it was looked at. */
export async function listUpstreams(io: Io, options: ConnectOptions, signal: AbortSignal): Promise<void> {
  const { read } = connect(io, options, 'reviewer');
  const parsed = upstreamListSchema.safeParse(await read('/v1/mcp/upstreams', signal));
  if (!parsed.success) {
    throw new CliError('unavailable', 'no_answer', 'Holdpoint does not say. It takes a reviewer’s token.');
  }
  const { tools } = parsed.data;
  io.data(parsed.data);
  if (tools.length === 0) io.print('No upstream MCP server has listed a tool.');
  for (const { key, state, digest } of tools) io.print(`${state.padEnd(8)}  ${visible(key)}  ${digest ?? ''}`);
  const changed = tools.filter(({ state }) => state === 'changed');
  if (changed.length === 0) return;
  io.print('', 'Look at what changed. To accept it, put this into the policy file:', 'accept:');
  for (const { key, digest } of changed) io.print(`  ${JSON.stringify(visible(key))}: ${digest ?? ''}`);
}
