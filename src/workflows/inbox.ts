import { setHandler, type SignalDefinition } from '@temporalio/workflow';
import { LIMITS, payloadTypeOf } from '../contract/constants.ts';
import type { DsseEnvelope } from '../contract/envelope.ts';
import type { ReceiptCode } from '../contract/codes.ts';
import type { SignalKind } from '../activities/api.ts';
import { decodeBase64Text } from '../domain/text/base64.ts';
import { noteHistory } from './local.ts';
import { reconcile, submitDecision, submitRevision, withdraw } from './messages.ts';

/** A signal that passed the filter; `at` is workflow time (epoch ms) when its handler was entered. */
export interface InboxItem {
  readonly kind: SignalKind;
  readonly envelope: DsseEnvelope;
  readonly at: number;
}

/** Longest payload, in base64 characters: 256 KiB of arguments, quoted and encoded. */
const MAX_PAYLOAD = 700_000;
/** Payloads of one batch together, likewise: what one local activity can verify well within its second. */
const MAX_BATCH_PAYLOAD = 1_400_000;
/** Fingerprints that are remembered; of a flood beyond it the oldest are forgotten. */
const MAX_SEEN = 5_000;

/**
 * Signals, filtered by size, shape, review id and duplicates before anything is spent on them. Handlers never throw: a
 * thrown failure would fail the workflow, and anyone who can signal could cause it.
 */
export class Inbox {
  readonly #reviewId: string;
  #items: InboxItem[] = [];
  readonly #seen = new Set<string>();
  #receipts: [string, ReceiptCode][];

  constructor(reviewId: string, receipts: readonly (readonly [string, ReceiptCode])[]) {
    this.#reviewId = reviewId;
    this.#receipts = receipts.map(([ulid, code]) => [ulid, code]);
  }

  listen(): void {
    this.#handle(submitDecision, 'decision');
    this.#handle(submitRevision, 'revision');
    this.#handle(withdraw, 'withdrawal');
    this.#handle(reconcile, 'reconciliation');
  }

  get size(): number {
    return this.#items.length;
  }

  /** When the oldest that waits came (epoch ms). */
  get oldestAt(): number | undefined {
    return this.#items[0]?.at;
  }

  /** The next batch, oldest first; at least one where any waits. */
  take(): readonly InboxItem[] {
    let count = 0;
    let size = 0;
    for (const { envelope } of this.#items.slice(0, LIMITS.admissionBatch)) {
      size += envelope.payload.length;
      if (count > 0 && size > MAX_BATCH_PAYLOAD) break;
      count += 1;
    }
    const batch = this.#items.slice(0, count);
    this.#items = this.#items.slice(count);
    return batch;
  }

  /** Not dealt with yet: it comes first in the next batch. */
  putBack(item: InboxItem): void {
    this.#items = [item, ...this.#items];
  }

  /** Only verified envelopes get a receipt: a forged one could otherwise answer in the place of a real one. */
  answer(decisionUlid: string, code: ReceiptCode): void {
    if (this.wasAnswered(decisionUlid)) return;
    this.#receipts.push([decisionUlid, code]);
    if (this.#receipts.length > LIMITS.receipts) this.#receipts = this.#receipts.slice(-LIMITS.receipts);
  }

  wasAnswered(decisionUlid: string): boolean {
    return this.#receipts.some(([ulid]) => ulid === decisionUlid);
  }

  get receipts(): readonly (readonly [string, ReceiptCode])[] {
    return this.#receipts;
  }

  #handle(signal: SignalDefinition<[DsseEnvelope]>, kind: SignalKind): void {
    setHandler(signal, (envelope: unknown) => {
      noteHistory();
      const accepted = this.#filter(kind, envelope);
      if (accepted !== undefined) this.#items.push({ kind, envelope: accepted, at: Date.now() });
    });
  }

  #filter(kind: SignalKind, value: unknown): DsseEnvelope | undefined {
    const envelope = readEnvelope(value);
    if (envelope === undefined || envelope.payloadType !== payloadTypeOf(kind)) return undefined;
    // The signature, not the id inside: a forgery that carries a real id must not make the real one a duplicate.
    const fingerprint = `${envelope.signatures[0]?.sig ?? ''}${envelope.payload.length}`;
    if (this.#seen.has(fingerprint) || !this.#isOurs(envelope.payload)) return undefined;
    this.#seen.add(fingerprint);
    if (this.#seen.size > MAX_SEEN) this.#forgetOldest();
    return envelope;
  }

  #isOurs(payload: string): boolean {
    try {
      const value: unknown = JSON.parse(decodeBase64Text(payload) ?? 'null');
      return (
        typeof value === 'object' && value !== null && (value as { reviewId?: unknown }).reviewId === this.#reviewId
      );
    } catch {
      return false;
    }
  }

  #forgetOldest(): void {
    const [oldest] = this.#seen;
    if (oldest !== undefined) this.#seen.delete(oldest);
  }
}

/** The shape of an envelope with one signature, copied field by field: nothing else of a signal is kept. */
function readEnvelope(value: unknown): DsseEnvelope | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { payload, payloadType, signatures } = value as Partial<Record<keyof DsseEnvelope, unknown>>;
  if (typeof payload !== 'string' || payload.length > MAX_PAYLOAD || typeof payloadType !== 'string') return undefined;
  const first: unknown = Array.isArray(signatures) ? signatures[0] : undefined;
  if (typeof first !== 'object' || first === null) return undefined;
  const { sig, keyid } = first as { sig?: unknown; keyid?: unknown };
  if (typeof sig !== 'string' || sig.length > 200) return undefined;
  const signature = typeof keyid === 'string' && keyid.length <= 200 ? { keyid, sig } : { sig };
  return { payload, payloadType, signatures: [signature] };
}
