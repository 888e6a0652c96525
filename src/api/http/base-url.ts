import type { Request } from 'express';
import type { SettingsSource } from '../../domain/policy/settings.ts';

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
