import type { ProofFile } from '../../../../contract/audit.ts';
import { changedLines } from '../../../../domain/show/changes.ts';
import type { Io } from '../../../ui/io.ts';
import { visible } from '../../../ui/visible.ts';

/**
 * The latest version against the one before, line by line. Versions come from the proof, which holds what was digested:
 * the state of a review has older ones by their digest alone.
 */
export function renderChanges(io: Io, materials: ProofFile['materials']): string[] {
  const now = materials.at(-1);
  const before = materials.at(-2);
  if (now === undefined) return ['Nothing is left to compare: retention has erased it.'];
  if (before === undefined) return ['This is the first version.'];
  return [
    io.colours.bold(`Version ${now.revision} against version ${before.revision}`),
    '',
    ...changedLines(before, now).map(({ kind, text }) => {
      const line = visible(text);
      if (kind === 'added') return io.colours.green(`+ ${line}`);
      return kind === 'removed' ? io.colours.red(`- ${line}`) : io.colours.dim(`  ${line}`);
    }),
  ];
}
