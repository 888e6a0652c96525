import { useState } from 'react';
import type { Json } from '../../contract/json.ts';
import type { DecisionType } from '../../contract/review.ts';

/**
 * What a person has typed for a decision and not sent, per tab: a session can end, and the page be left to sign in again.
 * It is of one reviewer and one version of a review.
 */
const PREFIX = 'holdpoint-typed ';
/** Where the browser refuses storage, it lasts as long as the page. */
const memory = new Map<string, string>();

export interface KeptPlace {
  readonly reviewer: string;
  readonly reviewId: string;
  readonly digest: string | null;
}

/** As `useState`, kept until {@link forgetTyped}. What is as it was at first is not kept. */
export function useKept<T>(place: KeptPlace, field: `${DecisionType} ${string}`, first: T): [T, (next: T) => void] {
  const key = keyOf(place);
  const [value, setValue] = useState(() => (read(key)[field] ?? first) as T);
  const keep = (next: T): void => {
    setValue(next);
    const { [field]: _old, ...rest } = read(key);
    write(key, next === first ? rest : { ...rest, [field]: next as Json });
  };
  return [value, keep];
}

/** Decisions for which something was typed. */
export function typesTyped(place: KeptPlace): readonly DecisionType[] {
  return Object.keys(read(keyOf(place))).map((field) => field.split(' ', 1)[0] as DecisionType);
}

export function forgetTyped(place: KeptPlace): void {
  write(keyOf(place), {});
}

/** Of everyone but this reviewer; of everyone without one. */
export function forgetTypedOfOthers(reviewer?: string): void {
  const isTheirs = (key: string): boolean =>
    key.startsWith(PREFIX) && (reviewer === undefined || !key.startsWith(`${PREFIX}${JSON.stringify(reviewer)} `));
  for (const key of [...memory.keys(), ...Object.keys(storage() ?? {})].filter(isTheirs)) write(key, {});
}

function keyOf({ reviewer, reviewId, digest }: KeptPlace): string {
  return `${PREFIX}${JSON.stringify(reviewer)} ${reviewId} ${digest}`;
}

function read(key: string): Readonly<Record<string, Json>> {
  const text = memory.get(key) ?? storage()?.getItem(key);
  return text === undefined || text === null ? {} : (JSON.parse(text) as Record<string, Json>);
}

function write(key: string, fields: Readonly<Record<string, Json>>): void {
  memory.delete(key);
  storage()?.removeItem(key);
  if (Object.keys(fields).length === 0) return;
  const text = JSON.stringify(fields);
  try {
    const kept = storage();
    if (kept === undefined) memory.set(key, text);
    else kept.setItem(key, text);
  } catch {
    // Full: as long as the page, then.
    memory.set(key, text);
  }
}

function storage(): Storage | undefined {
  try {
    return window.sessionStorage;
  } catch {
    return undefined;
  }
}
