import { createHmac, timingSafeEqual } from 'node:crypto';
import type { SessionStore } from '../../contract/sessions.ts';

/** Older, or further ahead, than this many seconds is refused: what was recorded cannot be sent again later. */
const GOOD_FOR_SECONDS = 300;

export interface SignedRequest {
  /** `X-Slack-Signature`. */
  readonly signature: string | undefined;
  /** `X-Slack-Request-Timestamp`, in seconds. */
  readonly timestamp: string | undefined;
  /** As it came, byte by byte: parsing it first would verify something else. */
  readonly body: Buffer;
}

/**
 * Whether Slack sent this, with the signing secret of the app: `v0=` and the HMAC-SHA256 of `v0:<timestamp>:<body>`
 * (https://docs.slack.dev/authentication/verifying-requests-from-slack). `now`: epoch ms.
 */
export function verifySlackRequest(request: SignedRequest, secret: string, now: number): boolean {
  const { signature, timestamp, body } = request;
  if (secret === '' || signature === undefined || timestamp === undefined) return false;
  if (!/^[0-9]{1,12}$/.test(timestamp)) return false;
  if (Math.abs(now / 1_000 - Number(timestamp)) > GOOD_FOR_SECONDS) return false;
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
