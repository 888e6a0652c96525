import type { FreezeView } from '../../contract/freeze.ts';
import { visible } from '../../domain/text/visible.ts';
import { CliError, Exit } from '../ui/exit.ts';
import type { Io } from '../ui/io.ts';
import { renderTable } from '../ui/table.ts';
import type { GlobalOptions } from './action.ts';
import { connect } from './connect.ts';

export interface FreezeOptions extends GlobalOptions {
  readonly why?: string;
}

export async function freezeTools(io: Io, options: FreezeOptions, tools: string[]): Promise<void> {
  const why = requireWhy(options);
  const answer = await connect(io, options, 'reviewer').client.freezes.freeze({ tools, why });
  const { freeze, unmatched } = answer;
  io.data(answer);
  if (io.json) return;
  io.print(`frozen: ${freeze.tools.map(visible).join(', ')}. New calls are blocked, approved ones wait.`);
  for (const pattern of unmatched) io.note(`No tool matches ${visible(pattern)}: check its spelling.`);
  io.note(`To lift it: holdpoint freeze lift ${freeze.id} --why "…"`);
}

export async function liftFreeze(io: Io, options: FreezeOptions, id: string): Promise<void> {
  const freeze = await connect(io, options, 'reviewer').client.freezes.lift(id, requireWhy(options));
  io.data(freeze);
  const tools = freeze.tools.map(visible).join(', ');
  if (freeze.lifted !== null) return io.print(`lifted: ${tools}. Approved calls run now.`);
  io.note(
    'No execute worker has looked at the lift yet, so the tools stay frozen. `holdpoint doctor` shows what is down.',
  );
  throw new Exit('waiting');
}

export async function listFreezes(io: Io, options: GlobalOptions): Promise<void> {
  const list = await connect(io, options, 'reviewer').client.freezes.list();
  io.data(list);
  if (io.json) return;
  const { freezes, configured } = list;
  if (configured.length > 0) io.print(`frozen by the configuration: ${configured.map(visible).join(', ')}`);
  if (freezes.length === 0) return io.print('Operators have frozen nothing.');
  io.print(...renderTable(io, ['id', 'tools', 'by', 'why', 'state'], freezes.map(rowOf), [0]));
}

function rowOf({ id, tools, by, why, at, lifted }: FreezeView): string[] {
  const state =
    lifted === null ? `since ${at}` : `lifted ${lifted.at} by ${visible(lifted.by)}: ${visible(lifted.why)}`;
  return [id, tools.map(visible).join(', '), visible(by), visible(why), state];
}

/** Checked here, so that the command can say how. */
function requireWhy({ why }: FreezeOptions): string {
  if (why !== undefined && why.trim() !== '') return why;
  throw new CliError(
    'usage',
    'why_required',
    'Say why: it goes into the log, and to everyone who waits.',
    'Add --why "…".',
  );
}
