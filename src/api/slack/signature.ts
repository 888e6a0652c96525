import { createHmac, timingSafeEqual } from 'node:crypto';

/** Older, or further ahead, than this many seconds is refused: what was recorded cannot be sent again later. */
export const GOOD_FOR_SECONDS = 300;

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

/** Signatures that were used, for as long as they would verify. In this process: another one has the gate's own checks. */
export class SeenSignatures {
  readonly #seen = new Map<string, number>();

  /** False where it was used before. `now`: epoch ms. */
  use(signature: string, now: number): boolean {
    for (const [old, until] of this.#seen) {
      // Insertion order is the order in which they end.
      if (until > now) break;
      this.#seen.delete(old);
    }
    if (this.#seen.has(signature)) return false;
    this.#seen.set(signature, now + 2 * GOOD_FOR_SECONDS * 1_000);
    return true;
  }
}
