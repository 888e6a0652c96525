import type { ChangedLine } from '../text/line-changes.ts';
import type { Material, Review } from '../../contract/review.ts';
import { visible } from '../text/visible.ts';
import { changedLines } from './changes.ts';
import type { Block, Clipper, Section } from './shown.ts';

/** Lines that stay around a change. */
const AROUND = 2;

/** What this version changed against the one before; nothing for the first. */
export function showChanges(review: Review, materials: readonly Material[], clipper: Clipper): Section[] {
  if (review.revision < 2) return [];
  const versionOf = (revision: number) => materials.find((material) => material.revision === revision);
  const [before, now] = [versionOf(review.revision - 1), versionOf(review.revision)];
  const block = before === undefined || now === undefined ? LOST : blockOf(changedLines(before, now), clipper);
  const heading = `What changed: version ${review.revision} against version ${review.revision - 1}`;
  return [{ heading, voice: 'call', blocks: [block] }];
}

const LOST: Block = { kind: 'pairs', pairs: [['The version before', 'is not kept (any more)']] };
const SIGNS: Readonly<Record<ChangedLine['kind'], string>> = { same: ' ', added: '+', removed: '-' };

function blockOf(lines: readonly ChangedLine[], clipper: Clipper): Block {
  const shown = lines.map(({ kind }, at) => kind !== 'same' || isNearChange(lines, at));
  if (!shown.includes(true)) return { kind: 'pairs', pairs: [['Changed', 'nothing of what is decided about']] };
  const text = lines.flatMap(({ kind, text: line }, at) => {
    if (shown[at]) return [`${SIGNS[kind]} ${visible(line)}`];
    return shown[at - 1] === true ? ['  …'] : [];
  });
  return { kind: 'code', label: 'Lines with + are new, lines with - are gone', lines: clipper.lines(text) };
}

function isNearChange(lines: readonly ChangedLine[], at: number): boolean {
  return lines.slice(Math.max(0, at - AROUND), at + AROUND + 1).some(({ kind }) => kind !== 'same');
}
