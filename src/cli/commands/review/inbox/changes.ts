import { diffLines } from 'diff';
import type { ProofFile } from '../../../../contract/audit.ts';
import type { Material } from '../../../../contract/review.ts';
import type { Io } from '../../../ui/io.ts';
import { visibleLines } from '../../../ui/visible.ts';

/** What of a version people compare; the rest follows from it or never changes. */
function comparable(material: Material): Readonly<Record<string, unknown>> {
  const { arguments: args, target, evidence, class: callClass, levels, expiresAt, context } = material;
  return {
    class: callClass,
    arguments: args,
    target: target?.request ?? null,
    facts: evidence?.facts ?? [],
    context,
    levels,
    expiresAt,
  };
}

/**
 * The latest version against the one before, line by line. Versions come from the proof, which holds what was digested:
 * the state of a review has older ones by their digest alone.
 */
export function renderChanges(io: Io, materials: ProofFile['materials']): string[] {
  const now = materials.at(-1);
  const before = materials.at(-2);
  if (now === undefined) return ['Nothing is left to compare: retention has erased it.'];
  if (before === undefined) return ['This is the first version.'];
  const parts = diffLines(text(before), text(now));
  return [
    io.colours.bold(`Version ${now.revision} against version ${before.revision}`),
    '',
    ...parts.flatMap((part) => {
      const lines = visibleLines(part.value.replace(/\n$/, ''));
      if (part.added) return lines.map((line) => io.colours.green(`+ ${line}`));
      if (part.removed) return lines.map((line) => io.colours.red(`- ${line}`));
      return lines.map((line) => io.colours.dim(`  ${line}`));
    }),
  ];
}

function text(material: Material): string {
  return `${JSON.stringify(comparable(material), null, 2)}\n`;
}
