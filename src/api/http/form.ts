import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Request, Response } from 'express';
import { BODY_LIMITS } from '../../contract/constants.ts';
import { ProblemError } from '../problem.ts';
import { readRaw } from './body.ts';

const FORM = 'application/x-www-form-urlencoded';

/** Told by the headers alone. Throws `unsupported_media_type`. */
export function requireForm(req: Request): void {
  if (typeof req.is(FORM) !== 'string') throw new ProblemError('unsupported_media_type');
}

/** Fields of a form that a browser sent. Throws `payload_too_large` and `invalid_request`. */
export async function readForm(req: Request, res: Response): Promise<ReadonlyMap<string, string>> {
  const body = await readRaw(req, res, { limit: BODY_LIMITS.mailForm, type: FORM });
  if (body === undefined) throw new ProblemError('unsupported_media_type');
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
