import type { Evidence, Fact, Target } from '../contract/call.ts';
import type { ExecutionErrorCode } from '../contract/codes.ts';
import type { DsseEnvelope, EnvelopeKind, EnvelopePayload } from '../contract/envelope.ts';
import type { Json, JsonObject } from '../contract/json.ts';
import type { ToolDefinition } from '../contract/policy.ts';
import type { ToolListing } from '../domain/upstream.ts';

/** How a call reaches its target. Held by the execute worker alone. */
export interface Connector {
  /**
   * Gathers facts without changing anything. Never throws: what cannot be previewed is a refusal with a code, and
   * the call is gated without a preview.
   */
  preview?(input: PreviewInput): Promise<PreviewResult>;
  /** Makes the call. Never throws: every end is a {@link ConnectorResult}. Honours `sendBy` right before sending. */
  execute(input: ExecuteInput): Promise<ConnectorResult>;
  /**
   * Whether the target can be reached now: connects, with TLS and through a proxy, signs in where that takes no call, and makes
   * none. Undefined: it can. Never throws.
   */
  reach?(signal: AbortSignal): Promise<Extract<ConnectorResult, { status: 'failed' }> | undefined>;
  /** Only where the target has tools of its own (MCP): asks it what they are now. Rejects where it does not answer. */
  listTools?(): Promise<ToolListing>;
  /** Called when the target says that its tools changed. */
  onToolsChanged?(listener: () => void): void;
  /** Credentials in the clear, for scrubbing results and errors. */
  secrets(): readonly string[];
  /** Longest time, in ms, that one call may take; bounds the worker's grace period. */
  readonly timeoutMs: number;
  close(): Promise<void>;
}

export interface PreviewInput {
  readonly tool: ToolDefinition;
  /** Sealed values stay sealed. */
  readonly arguments: JsonObject;
  readonly target: Target;
  readonly signal: AbortSignal;
}

export type PreviewResult =
  | { readonly ok: true; readonly facts: readonly Fact[]; readonly sourceHash: string | null }
  | {
      readonly ok: false;
      readonly code: string;
      readonly message: string;
      /**
       * The target itself says that the call cannot work as it is, and which argument is at fault (JSON Pointer): it is
       * blocked before anyone is asked, and its agent gets the message. So that must tell nothing of what the target holds.
       */
      readonly pointer?: string;
    };

export interface ExecuteInput {
  readonly tool: ToolDefinition;
  /** Opened: sealed values are in the clear here and nowhere else. */
  readonly arguments: JsonObject;
  /** Rendered from the *sealed* arguments; equal to what was approved. */
  readonly target: Target;
  /** What was shown; where it pins a source hash, a difference is `drifted` and nothing happens. */
  readonly evidence: Evidence | null;
  readonly idempotencyKey: string | null;
  /** Epoch ms; nothing is sent after it. */
  readonly sendBy: number;
  /**
   * Sent before with the same idempotency key, and the answer was lost: only an answer about the call itself settles
   * it now. A refused connection or a 401 says nothing of the first time and is `outcome_unknown`.
   */
  readonly resend?: boolean;
}

export type ConnectorResult =
  | { readonly status: 'executed'; readonly body: Json; readonly upstreamStatus?: number }
  /** It is certain that the call did not take effect, or the target said so itself. */
  | {
      readonly status: 'failed';
      readonly code: ExecutionErrorCode;
      readonly message: string;
      readonly body?: Json;
      readonly upstreamStatus?: number;
      /**
       * It is proved that nothing ran, and trying again later may help: no byte of the call left, the target answered with
       * what the tool's `deferOn` names, a dead MCP session answered 404, or the database failed before COMMIT was sent.
       */
      readonly isDeferrable?: true;
      /** The target asked not to be called again for so long (`Retry-After`). */
      readonly retryAfterMs?: number;
    }
  /**
   * It was sent and nobody knows. With an idempotency mechanism it may be sent again, unless the answer `isFinal`: the
   * target gave back what it has stored under the key, and would do so each time.
   */
  | {
      readonly status: 'outcome_unknown';
      readonly code: ExecutionErrorCode;
      readonly message: string;
      readonly body?: Json;
      readonly upstreamStatus?: number;
      readonly isFinal?: boolean;
      readonly retryAfterMs?: number;
    };

/** Signs payloads of the kinds its role may sign. */
export interface Signer {
  readonly keyid: string;
  sign<K extends EnvelopeKind>(kind: K, payload: EnvelopePayload<K>): DsseEnvelope;
}

/**
 * Verifies with the keys trusted for the kind *now*. Returns the parsed payload, or undefined: nothing of an
 * envelope that does not verify is used.
 */
export interface EnvelopeVerifier {
  verify<K extends EnvelopeKind>(kind: K, envelope: unknown): VerifiedEnvelope<K> | undefined;
}
export interface VerifiedEnvelope<K extends EnvelopeKind> {
  readonly payload: EnvelopePayload<K>;
  /** Set where an agent's own key (config `publicKey`) verified it; then only that agent may be the proposer. */
  readonly agentKeyOf?: string;
  /** SHA-256 (`sha256:…`) of the payload bytes. */
  readonly payloadDigest: string;
}

/** Opens sealed arguments; only in the execute worker. */
export interface Unsealer {
  /** Replaces every `{"$sealed"}` at the tool's pointers by its value. Throws where one does not belong to this call. */
  open(
    args: JsonObject,
    binding: { readonly reviewId: string; readonly tool: string; readonly pointers: readonly string[] },
  ): Promise<{ readonly arguments: JsonObject; readonly opened: readonly string[] }>;
}

export interface Clock {
  now(): number;
}
