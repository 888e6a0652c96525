import type { Json, JsonObject } from '../../contract/json.ts';
import type { Money } from '../../contract/policy.ts';
import type { Material, Reason, Shortfall } from '../../contract/review.ts';
import type { ChangedLine } from './changes.ts';
import { isPlain } from '../text/write-value.ts';

/**
 * A review as it is shown to a person, free of any medium: the page lays it out itself, everything else through
 * `to-text.ts`. Text of others is as it came, and never a plain string: the layout makes it visible, and quotes
 * or marks it, so that it cannot pass for Holdpoint's own words.
 */
export interface Shown {
  /** What the call does, or what is asked. */
  readonly title: Line;
  /** The tool of a call; null: a question. */
  readonly tool: string | null;
  readonly sections: readonly Section[];
}

/** Whose words a section is made of: Holdpoint's own, the call itself, or unchecked words of an agent or a reviewer. */
export type Voice = 'holdpoint' | 'call' | 'agent' | 'reviewer';

export type SectionId =
  | 'why'
  | 'equal'
  | 'changes'
  | 'evidence'
  | 'call'
  | 'request'
  | 'answers'
  | 'earlier'
  | 'words'
  | 'feedback'
  | 'levels'
  | 'timeline'
  | 'end';

export interface Section {
  readonly id: SectionId;
  readonly heading: string;
  readonly voice: Voice;
  readonly blocks: readonly Block[];
}

export type Part =
  /** Holdpoint's own words. */
  | string
  /** Words of others: in quotes, unless they are a mere name. */
  | { readonly said: string }
  /** The policy's words. */
  | { readonly policy: string }
  /** A value of the call, in quotes already if it is text. */
  | { readonly value: string }
  /** A condition of the policy, as it is written there. */
  | { readonly code: string }
  /** ISO 8601; with `now` (epoch ms) its age matters more. */
  | { readonly at: string; readonly now?: number }
  /** A deadline, ISO 8601. */
  | { readonly until: string; readonly now: number }
  /** Id of another review; a page links to it. */
  | { readonly review: string };
export type Line = readonly Part[];

export interface Pair {
  readonly label: Line;
  readonly value: Line;
  /** Votes so far, of those needed. */
  readonly progress?: readonly [votes: number, quorum: number];
  readonly tone?: 'bad';
  /** The time left, which a page shows beside what can be decided. */
  readonly isDeadline?: true;
}

export type Block =
  | { readonly kind: 'pairs'; readonly pairs: readonly Pair[] }
  /** Arguments or context by name, each in full. `readers`: conditions of the policy that read one, by name. */
  | {
      readonly kind: 'values';
      readonly label: string;
      readonly values: JsonObject;
      readonly readers?: Readonly<Record<string, readonly string[]>>;
    }
  /** Text of others, line by line. */
  | {
      readonly kind: 'text';
      readonly label: Line;
      readonly text: string;
      readonly syntax?: 'sql';
      readonly isFolded?: true;
    }
  /** `isFolded`: says once more what the blocks above say, so a page may fold it. */
  | { readonly kind: 'json'; readonly label: Line; readonly value: Json; readonly isFolded?: true }
  | {
      readonly kind: 'table';
      readonly label: Line;
      readonly head: readonly string[];
      readonly rows: readonly (readonly string[])[];
    }
  | { readonly kind: 'changes'; readonly lines: readonly ChangedLine[] }
  | { readonly kind: 'events'; readonly events: readonly Event[] }
  /** Words of a person or an agent; every line is marked as theirs. */
  | { readonly kind: 'quote'; readonly text: string }
  /** Holdpoint's own, and to be noticed. */
  | { readonly kind: 'warning'; readonly line: Line };

export interface Event {
  readonly kind:
    | 'proposed'
    | 'revised'
    | 'decided'
    | 'ended'
    | 'started'
    | 'deferred'
    | 'stopped'
    | 'finished'
    | 'reconciled';
  /** ISO 8601. */
  readonly at: string;
  readonly line: Line;
  readonly comment: string | null;
}

export interface ShowOptions {
  /** Epoch ms: what ages and time left are counted from. */
  readonly now: number;
  /** The tool as the policy in force has it; undefined: policy does not name it (any more), or it is a question, not a call. */
  readonly tool: ShownTool | undefined;
  /** Context that the configuration pins for the proposer; null: this door cannot know which of the review's is. */
  readonly pinned: JsonObject | null;
  /** Where this door has the directory in force; otherwise what the review says. */
  readonly shortfall?: Shortfall | undefined;
  /** Likewise, of the policy in force. */
  readonly reasons?: readonly Reason[] | undefined;
  /** What was digested of earlier versions; absent: not read, or erased. */
  readonly materials?: readonly Material[];
  /** The target's answer too; mails and messages leave it out. */
  readonly withAnswer?: boolean;
}

export interface ShownTool {
  readonly title?: string | null | undefined;
  readonly reason?: string | null | undefined;
  /** JSON Schema: arguments are shown in its order. */
  readonly arguments?: JsonObject | null | undefined;
  readonly money?: readonly Money[] | null | undefined;
}

export function said(text: string): Part {
  return { said: text };
}

/** Several names of others in one line: `ops or finance`. */
export function saidList(names: readonly string[], between = ' or '): Line {
  return names.flatMap((name, index) => (index === 0 ? [said(name)] : [between, said(name)]));
}

export function pair(label: string | Line, value: string | Line): Pair {
  return { label: lineOf(label), value: lineOf(value) };
}

export function lineOf(line: string | Line): Line {
  return typeof line === 'string' ? [line] : line;
}

/** What an identifier looks like: it cannot read on as if it belonged to the sentence around it. */
const NAME = /^[\p{L}\p{M}\p{N}._:@/+$-]+$/u;

/** Text of others as it stands among Holdpoint's words: in quotes, unless it is a mere name. Not made visible yet. */
export function quoteSaid(text: string): string {
  return NAME.test(text) && isPlain(text) ? text : JSON.stringify(text);
}
