/** Exit codes of `holdpoint`, also in `holdpoint --help` and docs/cli.md. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  configInvalid: 3,
  notFound: 4,
  refused: 5,
  unavailable: 6,
  verificationFailed: 7,
  notSignedIn: 8,
  waiting: 9,
} as const;
export type ExitName = keyof typeof EXIT;
export type ExitCode = (typeof EXIT)[ExitName];

export const EXIT_WORDS: Readonly<Record<ExitName, string>> = {
  ok: 'done',
  failed: 'any other error; with execute: the call was allowed but did not succeed',
  usage: 'the command line is wrong',
  configInvalid: 'a setting, the config file or the policy file is invalid',
  notFound: 'no such review, tool, file or key',
  refused: 'refused: blocked by policy, rejected, not allowed, too late, already decided',
  unavailable: 'no answer, or a part is down; try again later',
  verificationFailed: 'the record does not verify',
  notSignedIn: 'no valid key or token',
  waiting: 'pending: the call waits for a decision, or what was sent is queued and does not count yet',
};

/** Ends a command with an error. `hint` says what to do about it. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exit: ExitName;
  readonly code: string;
  readonly hint: string | undefined;

  constructor(exit: ExitName, code: string, message: string, hint?: string) {
    super(message);
    this.exit = exit;
    this.code = code;
    this.hint = hint;
  }
}

/** Ends a command that has printed its answer; nothing more is printed. */
export class Exit extends Error {
  override readonly name = 'Exit';
  readonly exit: ExitName;

  constructor(exit: ExitName) {
    super(exit);
    this.exit = exit;
  }
}
