import type { ChangedLine } from '../../domain/show/changes.ts';
import { PIECE } from './visible.ts';

/** Lines that did not change and are far from any that did: how many. */
export interface Gap {
  readonly kind: 'gap';
  readonly lines: number;
}

/** Unchanged lines around a change that stay in sight. */
const AROUND = 3;

/** What did not change folded away, where it is longer than what would stand for it. */
export function foldSame(lines: readonly ChangedLine[]): readonly (ChangedLine | Gap)[] {
  const isNear = (at: number): boolean =>
    lines.slice(Math.max(0, at - AROUND), at + AROUND + 1).some(({ kind }) => kind !== 'same');
  const folded: (ChangedLine | Gap)[] = [];
  for (const [at, line] of lines.entries()) {
    const last = folded.at(-1);
    if (isNear(at)) folded.push(line);
    else if (last?.kind === 'gap') folded.splice(-1, 1, { kind: 'gap', lines: last.lines + 1 });
    else folded.push({ kind: 'gap', lines: 1 });
  }
  return folded;
}

/** A run of one kind that is longer than this is drawn in blocks: a line each is more than a page can hold. */
const LONG_RUN = 60;

/** The same lines with those of long runs put together, a block in the place of several; their texts stay as they are. */
export function joinRuns(items: readonly (ChangedLine | Gap)[]): readonly (ChangedLine | Gap)[] {
  const joined: (ChangedLine | Gap)[] = [];
  let run: ChangedLine[] = [];
  const close = (): void => {
    for (const line of run.length > LONG_RUN ? toBlocks(run) : run) joined.push(line);
    run = [];
  };
  for (const item of items) {
    if (item.kind !== run[0]?.kind) close();
    if (item.kind === 'gap') joined.push(item);
    else run.push(item);
  }
  close();
  return joined;
}

function toBlocks(run: readonly ChangedLine[]): readonly ChangedLine[] {
  const blocks: { kind: ChangedLine['kind']; lines: string[]; size: number }[] = [];
  for (const { kind, text } of run) {
    const last = blocks.at(-1);
    if (last === undefined || last.lines.length === PIECE.lines || last.size + text.length > PIECE.characters) {
      blocks.push({ kind, lines: [text], size: text.length });
    } else {
      last.lines.push(text);
      last.size += text.length;
    }
  }
  return blocks.map(({ kind, lines }) => ({ kind, text: lines.join('\n') }));
}
