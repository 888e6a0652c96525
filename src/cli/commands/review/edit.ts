import type { Command } from 'commander';
import type { JsonObject } from '../../../contract/json.ts';
import type { Review } from '../../../contract/review.ts';
import { editText } from '../../ui/editor.ts';
import { CliError } from '../../ui/exit.ts';
import type { Io } from '../../ui/io.ts';
import { confirm } from '../../ui/prompt.ts';
import { heading, indent, renderReview } from '../../ui/review-view.ts';
import { visibleJson } from '../../ui/visible.ts';
import { action, type CliContext } from '../action.ts';
import { connect } from '../connect.ts';
import { parseJsonObject, readJsonObject } from '../json-argument.ts';
import { decide, mustAsk, withDecisionOptions, type DecideOptions } from './decide.ts';

interface EditOptions extends DecideOptions {
  readonly arguments?: string;
}

export function registerEdit(review: Command, context: CliContext): void {
  withDecisionOptions(
    review
      .command('edit')
      .description('approve the same tool with other arguments; the call is classified again')
      .argument('<id>')
      .option('-a, --arguments <json>', 'all arguments: JSON, @FILE or -; default: $VISUAL or $EDITOR opens'),
  ).action(action(context, (io, options: EditOptions, id) => edit(io, options, id, context.signal)));
}

async function edit(io: Io, options: EditOptions, id: string, signal: AbortSignal): Promise<void> {
  const { client } = connect(io, options, 'reviewer');
  const review = await client.reviews.get(id);
  const args =
    options.arguments === undefined
      ? await editArguments(io, review)
      : await readJsonObject(io, '--arguments', options.arguments);
  if (mustAsk(io, options)) {
    io.print(
      ...renderReview(io, review),
      ...heading(io, 'With these arguments instead'),
      ...indent(visibleJson(args)),
      '',
    );
    await confirm(io, 'Approve this?');
  }
  await decide(io, client, review, options, { type: 'edit', arguments: args }, signal);
}

/** All arguments as the person's editor left them. */
async function editArguments(io: Io, review: Review): Promise<JsonObject> {
  if (!io.interactive)
    throw new CliError('usage', 'no_arguments', 'Pass --arguments: there is no terminal for an editor.');
  const before = `${JSON.stringify(review.call.arguments, null, 2)}\n`;
  const after = await editText(io, before, 'arguments.json');
  if (after === before) throw new CliError('failed', 'unchanged', 'Nothing was changed, so nothing was decided.');
  return parseJsonObject('the edited text', after);
}
