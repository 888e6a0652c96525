import { useNow } from '../data/clock.ts';
import { age, localTime, shortDuration, spokenDuration } from './time.ts';
import { words } from '../words.ts';

/** How long is left until the answer is no. */
export function TimeLeft({ until, now }: { readonly until: string | null; readonly now: number }) {
  if (until === null) return <span className="quiet">{words.time.noDeadline}</span>;
  const left = Date.parse(until) - now;
  const tone = left <= 15 * 60_000 ? 'urgent' : left <= 60 * 60_000 ? 'soon' : '';
  return (
    <time className={`left ${tone}`} dateTime={until} title={words.time.until(localTime(until), until)}>
      <span aria-hidden="true">{left <= 0 ? words.time.over : words.time.left(shortDuration(left))}</span>
      <span className="unseen-by-eye">{words.time.left(spokenDuration(left))}</span>
    </time>
  );
}

export function Age({ since, now }: { readonly since: string; readonly now: number }) {
  return (
    <time dateTime={since} title={`${localTime(since)} (${since})`}>
      {age(now - Date.parse(since))}
    </time>
  );
}

export function Instant({ at }: { readonly at: string }) {
  return (
    <time dateTime={at} title={at}>
      {localTime(at)}
    </time>
  );
}

export function LiveTimeLeft({ until }: { readonly until: string | null }) {
  return <TimeLeft until={until} now={useNow()} />;
}

export function LiveAge({ since }: { readonly since: string }) {
  return <Age since={since} now={useNow()} />;
}
