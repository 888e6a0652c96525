import { words } from '../words.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `2 d 4 h`, `3 h 12 min`, `4 min 09 s`, `38 s`; `over` when nothing is left. Milliseconds. */
export function shortDuration(ms: number): string {
  if (ms <= 0) return words.time.over;
  if (ms >= DAY) return `${Math.floor(ms / DAY)} d ${Math.floor((ms % DAY) / HOUR)} h`;
  if (ms >= HOUR) return `${Math.floor(ms / HOUR)} h ${Math.floor((ms % HOUR) / MINUTE)} min`;
  const seconds = Math.floor((ms % MINUTE) / 1_000);
  if (ms >= MINUTE) return `${Math.floor(ms / MINUTE)} min ${String(seconds).padStart(2, '0')} s`;
  return `${Math.max(1, seconds)} s`;
}

/** For the ear: full words, and no seconds above a minute, so that it does not change all the time. */
export function spokenDuration(ms: number): string {
  if (ms <= 0) return words.time.noTime;
  const parts: string[] = [];
  const add = (amount: number, unit: string): void => {
    if (amount > 0) parts.push(`${amount} ${unit}${amount === 1 ? '' : 's'}`);
  };
  add(Math.floor(ms / DAY), 'day');
  add(Math.floor((ms % DAY) / HOUR), 'hour');
  if (ms < DAY) add(Math.floor((ms % HOUR) / MINUTE), 'minute');
  return parts.length === 0 ? words.time.underAMinute : parts.join(' ');
}

/** `just now`, `12 min ago`, `3 h ago`, `2 d ago`. */
export function age(ms: number): string {
  if (ms < MINUTE) return words.time.now;
  if (ms < HOUR) return words.time.minutesAgo(Math.floor(ms / MINUTE));
  if (ms < DAY) return words.time.hoursAgo(Math.floor(ms / HOUR));
  return words.time.daysAgo(Math.floor(ms / DAY));
}

/** In the reader's own time zone, which is named: `21 Nov 2026, 14:05 CET`. */
export function localTime(iso: string, timeZone?: string): string {
  return formatterOf(timeZone).format(new Date(iso));
}

/** In the reader's own time zone: `14:05`; with the day where that is not today. Epoch ms. */
export function clockTime(at: number, now: number): string {
  const date = new Date(at);
  const isToday = date.toDateString() === new Date(now).toDateString();
  return date.toLocaleString(undefined, {
    ...(isToday ? {} : { day: 'numeric', month: 'short' }),
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
}

/**
 * One for all rows: what stands behind a formatter is freed outside of the heap, and the browser stopped for a second to
 * free those of two thousand rows. A reader who travels gets another.
 */
const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterOf(timeZone: string | undefined): Intl.DateTimeFormat {
  const key = timeZone ?? String(new Date().getTimezoneOffset());
  const known = formatters.get(key);
  if (known !== undefined) return known;
  const formatter = new Intl.DateTimeFormat(undefined, {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
    hourCycle: 'h23',
    ...(timeZone === undefined ? {} : { timeZone }),
  });
  formatters.set(key, formatter);
  return formatter;
}
