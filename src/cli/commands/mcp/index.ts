import type { Command } from 'commander';
import { action, type CliContext, type GlobalOptions } from '../action.ts';

export function registerMcp(program: Command, context: CliContext): void {
  const mcp = program
    .command('mcp')
    .description('an MCP server on standard input and output, for clients that start one; speaks to the api')
    .action(
      action(context, async (io, options: GlobalOptions) => {
        const { serveStdio } = await import('./stdio.ts');
        await serveStdio(io, options, context);
      }),
    );
  mcp
    .command('upstreams')
    .description('tools of upstream MCP servers, whether they changed, and the digest that policy accepts')
    .action(
      action(context, async (io, options: GlobalOptions) => {
        const { listUpstreams } = await import('./upstreams.ts');
        await listUpstreams(io, options, context.signal);
      }),
    );
}
