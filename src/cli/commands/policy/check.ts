import type { FileProblem } from '../../../domain/files/problem.ts';
import { renderProblem, type Severity } from '../../ui/excerpt.ts';
import { Exit } from '../../ui/exit.ts';
import type { Io } from '../../ui/io.ts';
import { visible } from '../../ui/visible.ts';
import type { GlobalOptions } from '../action.ts';
import { checkFiles, type CheckedFiles } from './files.ts';

export interface CheckOptions extends GlobalOptions {
  readonly config?: string;
}

/** `holdpoint policy check`: everything that is wrong with the two files, or what they come to. */
export async function checkPolicy(io: Io, options: CheckOptions, policy: string | undefined): Promise<void> {
  const files = checkFiles(io, { config: options.config, policy });
  const { result } = files;
  if (!result.ok) {
    io.data({ ok: false, problems: result.problems, warnings: [] });
    io.print(...result.problems.flatMap((problem) => show(io, 'error', problem, files)));
    io.print(`${count(result.problems.length, 'problem')}: these files would not be put in force`);
    throw new Exit('configInvalid');
  }
  const { settings, warnings } = result;
  const { policy: compiled } = settings;
  const summary = {
    config: files.config.name,
    policy: files.policy?.name ?? '',
    digest: compiled.digest,
    tools: compiled.tools.size,
    agents: settings.agents.length,
    reviewers: settings.reviewers.length,
  };
  io.data({ ok: true, ...summary, problems: [], warnings });
  io.print(...warnings.flatMap((warning) => show(io, 'warning', warning, files)));
  io.print(
    `${summary.config} and ${summary.policy} are valid: ${count(summary.tools, 'tool')}, ${count(summary.agents, 'agent')}, ` +
      `${count(summary.reviewers, 'reviewer')}${warnings.length > 0 ? `, ${count(warnings.length, 'warning')}` : ''}`,
    `policy digest ${compiled.digest}`,
  );
}

function show(io: Io, severity: Severity, problem: FileProblem, files: CheckedFiles): string[] {
  const lines = renderProblem(io, severity, problem, files.texts.get(problem.file));
  return io.rich ? [...lines, ''] : [oneLine(severity, problem), ...lines.slice(1, -1)];
}

/** Off a terminal: one line that editors and CI understand, with the excerpt below it. */
function oneLine(severity: Severity, { file, line, column, message, fix }: FileProblem): string {
  return visible(`${file}:${line}:${column}: ${severity}: ${message}. ${fix}`);
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
