import { createHmac, timingSafeEqual } from 'node:crypto';
import express from 'express';
import type { Request, Response } from 'express';
import { ProblemError } from '../problem.ts';

/** A comment is at most 4,000 characters, each at most 12 bytes in this encoding. */
const MAX_BYTES = 64 * 1024;
const read = express.raw({ type: 'application/x-www-form-urlencoded', limit: MAX_BYTES, inflate: false });

/** Fields of a form that a browser sent. Throws `unsupported_media_type`, `payload_too_large`, `invalid_request`. */
export async function readForm(req: Request, res: Response): Promise<ReadonlyMap<string, string>> {
  await new Promise<void>((resolve, reject) => {
    read(req, res, (error?: unknown) => {
      if (error === undefined) resolve();
      // The error middleware knows the reader's errors by their type.
      else reject(error as Error);
    });
  });
  const body: unknown = req.body;
  if (!Buffer.isBuffer(body)) throw new ProblemError('unsupported_media_type');
  const fields = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(body.toString('utf8'))) {
    if (fields.has(name)) throw new ProblemError('invalid_request');
    fields.set(name, value.replace(/\r\n/g, '\n'));
  }
  return fields;
}

/** Shows that a form was written by us, for one purpose, and not long ago; needs no cookie. */
export interface FormTokens {
  issue(purpose: string, now: number): string;
  holds(token: string, purpose: string, now: number): boolean;
}

/** `secret`: the same in every api process. `goodFor`: ms. */
export function createFormTokens(secret: () => string, goodFor: number): FormTokens {
  const macOf = (at: string, purpose: string): Buffer =>
    createHmac('sha256', secret()).update(`holdpoint form v1\n${at}\n${purpose}`).digest();
  return {
    issue: (purpose, now) => `${now}.${macOf(String(now), purpose).toString('base64url')}`,
    holds(token, purpose, now) {
      const [at = '', mac = ''] = token.split('.');
      const given = Buffer.from(mac, 'base64url');
      const wanted = macOf(at, purpose);
      if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return false;
      return now - Number(at) < goodFor;
    },
  };
}
