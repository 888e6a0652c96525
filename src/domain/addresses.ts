import ipaddr from 'ipaddr.js';

/**
 * Whether an address is one of the public Internet. Everything else (private, loopback, link-local, carrier-grade NAT,
 * multicast, documentation, IPv4-mapped, NAT64, 6to4, Teredo …) could lead a call to a neighbour of the worker.
 *
 * IPv6 is allow-listed to global unicast (2000::/3, RFC 4291), so that ranges given out later stay refused.
 */
export function isPublicAddress(address: string): boolean {
  if (!isAddress(address) || address.includes('%')) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== 'unicast') return false;
  if (parsed.kind() === 'ipv4') return !EXTRA_IPV4.some((range) => parsed.match(range));
  return parsed.match(GLOBAL_UNICAST) && !EXTRA_IPV6.some((range) => parsed.match(range));
}

const GLOBAL_UNICAST = ipaddr.parseCIDR('2000::/3');
/** Special-purpose ranges (IANA registries) that the library counts as unicast. */
const EXTRA_IPV4 = ['0.0.0.0/8', '192.0.0.0/24', '192.88.99.0/24', '198.18.0.0/15'].map((range) =>
  ipaddr.parseCIDR(range),
);
const EXTRA_IPV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'].map((range) => ipaddr.parseCIDR(range));

function isAddress(text: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text);
}

/**
 * Where the host of a URL leads, as far as it can be told without asking a name server. `private`: an address that is
 * not public, or `localhost` (RFC 6761, section 6.3). `internal`: a name that no public name server answers for.
 */
export function placeOfHost(url: string): 'private' | 'internal' | 'unknown' {
  const host = hostOf(url);
  if (isAddress(host)) return isPublicAddress(host) ? 'unknown' : 'private';
  if (/(^|\.)localhost$/.test(host)) return 'private';
  return !host.includes('.') || /\.(local|internal|home\.arpa)$/.test(host) ? 'internal' : 'unknown';
}

/**
 * Whether a URL of the configuration names a place that can only be private: an address, written out, or a name that no
 * public name server answers for. Such a name was written on purpose; a public name that leads to a private address was not.
 */
export function namesPrivatePlace(url: string): boolean {
  return isAddress(hostOf(url)) || placeOfHost(url) !== 'unknown';
}

/** Without the brackets of an IPv6 address, and without the dot at the end of a whole name. */
function hostOf(url: string): string {
  return new URL(url).hostname.replaceAll(/^\[|\]$|\.$/g, '');
}
