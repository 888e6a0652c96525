import type { Request, Response } from 'express';
import type { z } from 'zod';
import type { ProblemCode } from '../../contract/codes.ts';
import { BODY_LIMITS } from '../../contract/constants.ts';
import type { AgentPrincipal, Principal, ReviewerPrincipal } from '../principal.ts';
import type { Scan } from '../service/scan.ts';
import type { Caller } from '../service/types.ts';
import type { Impatience } from './rate-limit.ts';

/** Who may call: `reviewer` includes auditors, `principal` is anybody signed in. */
export type Who = 'public' | 'agent' | 'reviewer' | 'principal';

type PrincipalOf<W extends Who> = W extends 'agent'
  ? AgentPrincipal
  : W extends 'reviewer'
    ? ReviewerPrincipal
    : W extends 'principal'
      ? Principal
      : undefined;

/** What a handler is given: everything checked, nothing of the raw request needed. */
interface Handling<W extends Who, B, Q> {
  readonly principal: PrincipalOf<W>;
  readonly body: B;
  readonly query: Q;
  readonly caller: Caller;
  /** For what reads many rows. */
  readonly scan: W extends 'public' ? undefined : (then: Impatience) => Scan;
  readonly req: Request;
  readonly res: Response;
}

/** `undefined`: the handler has answered by itself (streams). */
export type Reply =
  | { readonly status: number; readonly json?: unknown; readonly headers?: Readonly<Record<string, string>> }
  | { readonly status: number; readonly text: string; readonly contentType: string }
  | undefined;

interface AnswerDoc {
  readonly description: string;
  readonly schema?: z.ZodType;
  readonly contentType?: string;
  /** Media types that a parameter chooses instead. */
  readonly otherTypes?: readonly string[];
}

/**
 * One route: what it takes, what it answers, who may call it, and what does the work. The OpenAPI document and the
 * router are both made from it, so neither can know a route that the other does not.
 */
export interface Endpoint<W extends Who = Who, B = unknown, Q = unknown> {
  readonly method: 'get' | 'post' | 'delete';
  /** With `{name}` for parameters. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly who: W;
  /** Served only by processes that hold this signing key. */
  readonly role?: 'propose' | 'review';
  readonly body?: z.ZodType<B>;
  /** Most bytes of the body; default: what a call can need. See `BODY_LIMITS`. */
  readonly maxBody?: number;
  /** Parsed bodies for which `maxBody` does not hold: they may be as long as a call's. */
  readonly mayExceed?: (body: unknown) => boolean;
  /** No body counts as `{}`. */
  readonly bodyOptional?: boolean;
  readonly query?: z.ZodType<Q>;
  /** Request headers, for the document. */
  readonly headers?: Readonly<
    Record<string, { readonly description: string; readonly schema: Record<string, unknown> }>
  >;
  readonly answers: Readonly<Record<number, AnswerDoc>>;
  /** Problems beside those that any route of its kind can answer. */
  readonly problems: readonly ProblemCode[];
  /** Left out of the OpenAPI document: pages for people. */
  readonly hidden?: boolean;
  /** Parameters of `WWW-Authenticate: Bearer` beside the realm, for a door whose clients look there for more. */
  readonly challenge?: (baseUrl: string) => string;
  /**
   * Public, but counted against the address: it makes us ask somebody else. `as-page`: with a far higher limit, as mail
   * scanners follow every link of every mail that comes to a house.
   */
  readonly isCharged?: true | 'as-page';
  /** Requests that this one counts for, against the rate limit. */
  readonly cost?: (body: B) => number;
  handle(handling: Handling<W, B, Q>): Promise<Reply> | Reply;
}

/** Checks the types of one endpoint and forgets them: endpoints are kept in one list. */
export function endpoint<W extends Who, B = undefined, Q = undefined>(definition: Endpoint<W, B, Q>): Endpoint {
  return definition as unknown as Endpoint;
}

/** Signing in is public and guesses tokens; reading whether we are alive is not worth counting. */
export function isCountedByAddress({ who, method, isCharged }: Endpoint): boolean {
  return who === 'public' && (isCharged !== undefined || method !== 'get');
}

export function ok(json: unknown): Reply {
  return { status: 200, json };
}

/** Bytes that are read at most. */
export function bodyLimitOf({ maxBody = BODY_LIMITS.call, mayExceed }: Endpoint): number {
  return mayExceed === undefined ? maxBody : BODY_LIMITS.call;
}

export function expressPath(path: string): string {
  return path.replaceAll(/\{([A-Za-z]+)\}/g, ':$1');
}
