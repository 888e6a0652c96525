import { useEffect, useState } from 'react';

/** Server's time minus ours, in ms: deadlines are the server's, and a laptop's clock may be wrong. */
let offset = 0;

/** Learns from an answer's `Date`, which has whole seconds. A difference of less than two says nothing. */
export function noteServerDate(header: string | null): void {
  const at = header === null ? Number.NaN : Date.parse(header);
  if (Number.isNaN(at)) return;
  const difference = at + 500 - Date.now();
  offset = Math.abs(difference) < 2_000 ? 0 : difference;
}

export function serverNow(): number {
  return Date.now() + offset;
}

/** The time, again every second. */
export function useNow(): number {
  const [now, setNow] = useState(serverNow);
  useEffect(() => {
    const timer = setInterval(() => setNow(serverNow()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
