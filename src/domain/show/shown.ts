import type { JsonObject } from '../../contract/json.ts';
import type { ToolDefinition } from '../../contract/policy.ts';
import type { Material, Review } from '../../contract/review.ts';
import { sliceCharacters, visible } from '../text/visible.ts';

/**
 * A review as it is laid before a person, free of any medium: mails, the page behind a mail's link and whatever else has
 * to show the same are written from this. Every text in it has been made visible (no control, bidi or zero-width
 * character is left) and none has been escaped for HTML: that is for whoever writes HTML.
 */
export interface Shown {
  /** The tool, or the question. */
  readonly title: string;
  readonly sections: readonly Section[];
  /** Something was left out for length; the section says so too. */
  readonly clipped: boolean;
}

/** Whose words a section is made of: Holdpoint's own, the call itself, or somebody's whom nobody checked. */
export type Voice = 'holdpoint' | 'call' | 'agent' | 'reviewer';

export interface Section {
  readonly heading: string;
  readonly voice: Voice;
  readonly blocks: readonly Block[];
}

export type Block =
  | { readonly kind: 'pairs'; readonly pairs: readonly (readonly [label: string, value: string])[] }
  /** Kept line by line, in a fixed-width font. */
  | { readonly kind: 'code'; readonly label: string | null; readonly lines: readonly string[] }
  | {
      readonly kind: 'table';
      readonly label: string;
      readonly head: readonly string[];
      readonly rows: readonly (readonly string[])[];
    }
  /** Somebody's words, each line to be marked as theirs. */
  | { readonly kind: 'quote'; readonly lines: readonly string[] }
  /** Ours, and to be noticed. */
  | { readonly kind: 'warning'; readonly text: string };

export interface ShowOptions {
  /** Epoch ms: what ages and time left are counted from. */
  readonly now: number;
  /** Characters of one block; Infinity: everything. */
  readonly limit: number;
  /** The tool as the policy in force has it; undefined: policy does not name it (any more), or nobody calls a tool. */
  readonly tool: ToolDefinition | undefined;
  /** Context that the configuration pins for the proposer: what of the review's is not the agent's own word. */
  readonly pinned: JsonObject;
  /** What was digested of this version and of the one before it; absent: not read, or erased. */
  readonly materials?: readonly Material[];
}

/** What a review is called in one line: its tool, or the question that is asked. */
export function nameOf({ kind, call, title }: Pick<Review, 'kind' | 'call' | 'title'>): string {
  return visible(kind === 'call' ? call.tool : (title ?? 'a question'));
}

/** Text on its way into a section; cut where it is longer than `limit` characters. */
export class Clipper {
  readonly #limit: number;
  clipped = false;

  /** `limit`: characters a block; Infinity shows everything. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** As many whole lines, and as much of the next, as fit. */
  lines(lines: readonly string[]): readonly string[] {
    const kept: string[] = [];
    let left = this.#limit;
    for (const line of lines) {
      if (line.length > left) {
        kept.push(`${sliceCharacters(line, left)}…`, this.#note(lines));
        return kept;
      }
      kept.push(line);
      left -= line.length + 1;
    }
    return kept;
  }

  rows<T>(rows: readonly T[]): readonly T[] {
    const most = Number.isFinite(this.#limit) ? 20 : rows.length;
    if (rows.length > most) this.clipped = true;
    return rows.slice(0, most);
  }

  text(text: string): string {
    return this.lines([text]).join(' ');
  }

  #note(lines: readonly string[]): string {
    this.clipped = true;
    const all = lines.reduce((sum, line) => sum + line.length + 1, -1);
    return `[cut here: this is only the beginning of ${all} characters]`;
  }
}
