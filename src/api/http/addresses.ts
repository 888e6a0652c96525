import { isIP } from 'node:net';
import type { Request, RequestHandler } from 'express';
import { ipKeyGenerator } from 'express-rate-limit';
import ipaddr from 'ipaddr.js';
import type { SettingsSource } from '../../domain/policy/settings.ts';

/** One subscriber has a /64 or more, and can send from any address in it. */
const IPV6_SUBNET = 64;

/**
 * One hop of `X-Forwarded-For` in its one canonical form. Proxies also write `192.0.2.1:4711` and `[2001:db8::1]:4711`;
 * each port would otherwise be a caller of its own. Undefined: no address (`unknown`, `_hidden`, anything made up).
 */
export function readAddress(hop: string): string | undefined {
  const text = hop.trim();
  const [, bracketed] = /^\[([^\]]+)\](?::[0-9]{1,5})?$/.exec(text) ?? [];
  const [, withPort] = /^([0-9.]+):[0-9]{1,5}$/.exec(text) ?? [];
  const [address = ''] = (bracketed ?? withPort ?? text).split('%', 1);
  // `isIP` is strict; ipaddr.js would take `1` and `0x7f.1` too. It also turns ::ffff:192.0.2.1 into 192.0.2.1.
  return isIP(address) === 0 ? undefined : ipaddr.process(address).toString();
}

/**
 * Leaves of `X-Forwarded-For` what can be believed, for Express to walk from the right through trusted proxies. A hop that
 * is no address ends the walk: the caller is then the proxy that wrote it, in the end the address of the socket.
 */
export function readForwardedFor(header: string): readonly string[] {
  const addresses = header.split(',').map(readAddress);
  return addresses.slice(addresses.lastIndexOf(undefined) + 1).filter((address) => address !== undefined);
}

/** Comes before whatever asks for `req.ip`. */
export const cleanForwardedFor: RequestHandler = (req, _res, next) => {
  const header = req.headers['x-forwarded-for'];
  if (header !== undefined) {
    const addresses = readForwardedFor(String(header));
    if (addresses.length === 0) delete req.headers['x-forwarded-for'];
    else req.headers['x-forwarded-for'] = addresses.join(', ');
  }
  next();
};

/** What requests without a credential are counted by: the IPv4 address, or the /64 of an IPv6 one. */
export function addressKey(req: Request): string {
  return ipKeyGenerator(readAddress(req.ip ?? '') ?? '', IPV6_SUBNET);
}

/**
 * Name, path and `Secure` of a cookie. Where people reach this service through TLS it is for TLS alone and has a name that
 * no other host of the domain can set, which takes the path `/` (RFC 6265bis, section 4.1.3.2).
 */
export function cookieFor(
  req: Request,
  settings: SettingsSource,
  { name, path }: { readonly name: string; readonly path: string },
): { readonly name: string; readonly path: string; readonly secure: boolean } {
  const secure = req.secure || (settings.current().publicUrl?.startsWith('https:') ?? false);
  return secure ? { name: `__Host-${name}`, path: '/', secure } : { name, path, secure };
}

/** Where this service is reached: as configured, else as the request says. Never ends in a slash. */
export function baseUrlOf(req: Request, settings: SettingsSource): string {
  const { publicUrl } = settings.current();
  if (publicUrl !== null) return publicUrl.replace(/\/$/, '');
  const host = req.get('host') ?? '';
  // The host comes from the caller and goes back to nobody else; what is no host name does not get into a URL.
  const safe = /^[A-Za-z0-9.-]+(:[0-9]{1,5})?$|^\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?$/.test(host);
  return `${req.protocol}://${safe ? host : `127.0.0.1:${req.socket.localPort ?? 80}`}`;
}
