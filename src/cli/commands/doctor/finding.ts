/** What one look found. `fix` says what to do; only what is `ok` or `skipped` has none. */
export interface Finding {
  readonly check: string;
  readonly status: 'ok' | 'warn' | 'fail' | 'skipped';
  readonly message: string;
  readonly fix?: string;
}

export function ok(check: string, message: string): Finding {
  return { check, status: 'ok', message };
}
export function warn(check: string, message: string, fix: string): Finding {
  return { check, status: 'warn', message, fix };
}
export function fail(check: string, message: string, fix: string): Finding {
  return { check, status: 'fail', message, fix };
}
export function skipped(check: string, message: string): Finding {
  return { check, status: 'skipped', message };
}

/** Seconds by which two clocks may differ: decisions and deadlines are compared across machines. */
const MAX_SKEW_SECONDS = 5;

/** `theirs` and `ours` in epoch ms; `slackMs`: how stale or coarse their reading may be. */
export function judgeClock(check: string, theirs: number, ours: number, slackMs: number): Finding {
  const skew = theirs - ours;
  const off = Math.max(0, Math.abs(skew) - slackMs) / 1_000;
  if (off <= MAX_SKEW_SECONDS) return ok(check, 'agrees with the clock here');
  return fail(
    check,
    `is ${Math.round(off)} s ${skew > 0 ? 'ahead of' : 'behind'} the clock here`,
    'Run NTP (chrony, systemd-timesyncd) on both machines: deadlines are compared across them.',
  );
}
