import { createHmac, timingSafeEqual } from 'node:crypto';
import type { SessionStore } from '../../contract/sessions.ts';

/** Older, or further ahead, than this many seconds is refused: what was recorded cannot be sent again later. */
const GOOD_FOR_SECONDS = 300;

/** What the headers of a request say about its signature. */
interface SlackClaim {
  readonly signature: string;
  /** In seconds. */
  readonly timestamp: string;
}

/**
 * Reads `X-Slack-Signature` and `X-Slack-Request-Timestamp`. Undefined where no body could make them good: a request
 * without a signature, or with an old one, is refused before its body is read. `now`: epoch ms.
 */
export function readSlackClaim(
  signature: string | undefined,
  timestamp: string | undefined,
  now: number,
): SlackClaim | undefined {
  if (signature === undefined || !/^v0=[0-9a-f]{64}$/.test(signature)) return undefined;
  if (timestamp === undefined || !/^[0-9]{1,12}$/.test(timestamp)) return undefined;
  if (Math.abs(now / 1_000 - Number(timestamp)) > GOOD_FOR_SECONDS) return undefined;
  return { signature, timestamp };
}

/**
 * Whether Slack sent this body, with the signing secret of the app: `v0=` and the HMAC-SHA256 of `v0:<timestamp>:<body>`
 * (https://docs.slack.dev/authentication/verifying-requests-from-slack). `body`: as it came, byte by byte; parsing it first
 * would verify something else.
 */
export function verifySlackRequest({ signature, timestamp }: SlackClaim, body: Buffer, secret: string): boolean {
  if (secret === '') return false;
  const wanted = Buffer.from(signSlackRequest(timestamp, body, secret));
  const given = Buffer.from(signature);
  return wanted.length === given.length && timingSafeEqual(wanted, given);
}

function signSlackRequest(timestamp: string, body: Buffer, secret: string): string {
  return `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:`).update(body).digest('hex')}`;
}

/** That a signature was used is remembered for longer than it would verify: clocks of api processes differ. */
const REMEMBERED_MS = 2 * GOOD_FOR_SECONDS * 1_000 + 3_600_000;

/**
 * True for the first request with this signature, over all api processes and their restarts. Throws where the database
 * cannot say so: what may have been here before is not taken. `now`: epoch ms.
 */
export function useSignature(store: Pick<SessionStore, 'useOnce'>, signature: string, now: number): Promise<boolean> {
  const iso = (ms: number): string => new Date(ms).toISOString();
  return store.useOnce(`slack:${signature}`, iso(now + REMEMBERED_MS), iso(now));
}
