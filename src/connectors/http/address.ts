import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/**
 * Whether an address is one of the public Internet. Everything else (private, loopback, link-local, carrier-grade NAT,
 * multicast, documentation, IPv4-mapped, NAT64, 6to4, Teredo …) could lead a call to a neighbour of the worker.
 *
 * IPv6 is allow-listed to global unicast (2000::/3, RFC 4291), so that ranges given out later stay refused.
 */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0 || address.includes('%')) return false;
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
