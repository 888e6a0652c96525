/**
 * Whether a callback lies under one of the configured prefixes. Parsed URLs are compared, never text: the origin must
 * be equal, and the path must be the prefix itself or go on from it at a segment boundary. Credentials, fragments,
 * encoded separators and `..;` (which some servers read as `..` after we compared) are refused.
 */
export function isCallbackAllowed(callback: string, prefixes: readonly string[]): boolean {
  const url = parse(callback);
  if (url === undefined || url.username !== '' || url.password !== '' || url.hash !== '') return false;
  if (/%(2f|5c|2e|00)/i.test(url.pathname) || /\/\.{1,2};/.test(url.pathname)) return false;
  return prefixes.some((text) => {
    const prefix = parse(text);
    if (prefix === undefined || prefix.origin !== url.origin) return false;
    const path = prefix.pathname;
    return url.pathname === path || url.pathname.startsWith(path.endsWith('/') ? path : `${path}/`);
  });
}

function parse(text: string): URL | undefined {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return undefined;
  }
  return url.protocol === 'https:' || url.protocol === 'http:' ? url : undefined;
}
