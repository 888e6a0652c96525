/** One way to get something. Says why it does not work instead of throwing. */
export interface Way {
  /** Finishes the sentence "Using … from …", e.g. `the PATH`. */
  readonly name: string;
  get(): Promise<Found>;
}
export type Found = { readonly ok: true; readonly path: string } | { readonly ok: false; readonly why: string };

/** None of the ways worked; `tried` says why, way by way. */
export class NoWayError extends Error {
  override readonly name = 'NoWayError';
  readonly tried: readonly string[];
  constructor(what: string, tried: readonly string[]) {
    super(`No ${what}:\n${tried.map((line) => `  - ${line}`).join('\n')}`);
    this.tried = tried;
  }
}

/** Tries the ways in order and tells through `say` which one is used and why the ones before it were not. */
export async function takeFirstWay(what: string, ways: readonly Way[], say: (line: string) => void): Promise<string> {
  const tried: string[] = [];
  for (const way of ways) {
    const found = await way.get();
    if (found.ok) {
      if (tried.length > 0) say(`${what}: using ${way.name} (${tried.join('; ')})`);
      else say(`${what}: using ${way.name}`);
      return found.path;
    }
    tried.push(`${way.name}: ${found.why}`);
  }
  throw new NoWayError(what, tried);
}
