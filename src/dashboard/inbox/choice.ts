/** The entry that keys act on: one that a person chose, wherever the list has it now. */
export interface Choice {
  readonly key: string;
  /** Where it was last, so that the next step starts there once it is gone. */
  readonly index: number;
}

/** Steps from the chosen entry to the next or previous one that can be chosen; undefined: there is none. */
export function stepFrom(
  chosen: Choice | undefined,
  step: 1 | -1,
  items: readonly { readonly key: string; readonly kind: string }[],
): Choice | undefined {
  const at = chosen === undefined ? -1 : items.findIndex(({ key }) => key === chosen.key);
  // Nothing chosen: the first, in whatever direction. Gone: what stands at its place now, or before it.
  const start = chosen === undefined ? 0 : at !== -1 ? at + step : step === 1 ? chosen.index : chosen.index - 1;
  const direction = chosen === undefined ? 1 : step;
  for (let index = Math.min(start, items.length - 1); index >= 0 && index < items.length; index += direction) {
    const item = items[index];
    if (item !== undefined && item.kind !== 'heading') return { key: item.key, index };
  }
  return undefined;
}
