import { z } from 'zod';
import { SESSION_METHODS } from './sessions.ts';

/** Query of `GET /v1/session/oidc`. A path of this service alone: a link must not lead a signed-in person elsewhere. */
export const oidcStartQuerySchema = z.strictObject({
  returnTo: z
    .string()
    .max(1_000)
    .regex(/^\/([A-Za-z0-9\-._~!$&'()*+,;=:@%?][A-Za-z0-9\-._~!$&'()*+,;=:@%/?]*)?$/, 'a path of this service')
    .optional(),
});

/** What an identity provider sends a browser back with; it may add more. Every value is a string, given once. */
export const oidcReturnSchema = z.record(z.string().max(100), z.string().max(8_000));

/** How people can sign in here, for the page. */
export const signInWaysSchema = z.object({
  /** Null: there is no identity provider. */
  oidc: z.object({ issuer: z.string(), start: z.string() }).nullable(),
});
export type SignInWays = z.infer<typeof signInWaysSchema>;

/** Body of `POST /v1/session`: a single-use sign-in token (`hpl_…`) or a reviewer's token (`hpr_…`). */
export const signInRequestSchema = z.strictObject({ token: z.string().min(1).max(500) });

export const sessionResponseSchema = z.object({
  reviewer: z.object({ id: z.string(), groups: z.array(z.string()), role: z.enum(['reviewer', 'auditor']) }),
  /** To be sent as `X-CSRF-Token` with every request that changes something; null with a bearer token. */
  csrfToken: z.string().nullable(),
  /** Null with a bearer token. */
  session: z
    .object({
      method: z.enum(SESSION_METHODS),
      startedAt: z.string(),
      /** Ends then without another request; `endsAt` is the end in any case. */
      idleEndsAt: z.string(),
      endsAt: z.string(),
    })
    .nullable(),
});
export type SessionResponse = z.infer<typeof sessionResponseSchema>;
