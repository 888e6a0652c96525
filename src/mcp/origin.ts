import type { Request } from 'express';
import { ProblemError } from '../api/problem.ts';

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * Refuses requests that a web page sent. A page may make a browser reach loopback under a name of its own (DNS
 * rebinding): so on loopback `Host` must be a loopback name or the public one, and an `Origin`, where there is one, must
 * be ours. Throws `forbidden`.
 */
export function refuseForeignOrigin(req: Request, publicUrl: string | null): void {
  const publicHost = publicUrl === null ? null : new URL(publicUrl).host;
  const host = (req.get('host') ?? '').toLowerCase();
  const isLocal = LOOPBACK.has(host.replace(/:[0-9]{1,5}$/, ''));
  const cameByLoopback = /^(::ffff:)?127\.|^::1$/.test(req.socket.localAddress ?? '');
  if (cameByLoopback && !isLocal && host !== publicHost) throw new ProblemError('forbidden');
  const origin = req.get('origin');
  if (origin === undefined) return;
  const isOurs = URL.canParse(origin) && [host, publicHost].includes(new URL(origin).host);
  if (!isOurs || (!isLocal && publicUrl !== null && new URL(origin).origin !== new URL(publicUrl).origin)) {
    throw new ProblemError('forbidden');
  }
}
