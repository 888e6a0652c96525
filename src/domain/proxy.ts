import ipaddr from 'ipaddr.js';

/** Where a request is headed, as a URL says it. */
export interface Destination {
  /** With its colon. */
  readonly protocol: string;
  /** An IPv6 address with or without brackets. */
  readonly hostname: string;
  /** Empty: the protocol's own. */
  readonly port: string;
}

/** The proxy that a request goes through; undefined: it goes straight to its host. */
export type FindProxy = (destination: Destination) => URL | undefined;

export const noProxy: FindProxy = () => undefined;

/**
 * Reads `HTTPS_PROXY` and `NO_PROXY` as curl and Go do. Only https goes through a proxy, by CONNECT: what is said to the host
 * stays between the two. Throws a `RangeError` that says what to write.
 */
export function readProxy(httpsProxy: string | undefined, exemptions: string | undefined): FindProxy {
  if (httpsProxy === undefined || httpsProxy === '') return noProxy;
  const text = httpsProxy.includes('://') ? httpsProxy : `http://${httpsProxy}`;
  const proxy = URL.canParse(text) ? new URL(text) : undefined;
  if (proxy === undefined || !/^https?:$/.test(proxy.protocol) || proxy.hostname === '') {
    throw new RangeError('an HTTP proxy such as http://proxy.example.com:3128');
  }
  const isExempt = readExemptions(exemptions ?? '');
  return (destination) => (destination.protocol === 'https:' && !isExempt(destination) ? proxy : undefined);
}

/** `*`, hosts (with all below them), addresses and ranges, each with or without a port; separated by commas or spaces. */
function readExemptions(text: string): (destination: Destination) => boolean {
  const rules = text
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((rule) => rule !== '')
    .map(readExemption);
  return ({ hostname, port }) => {
    const host = hostname.toLowerCase().replaceAll(/^\[|\]$|\.$/g, '');
    return rules.some(
      (rule) => (rule.port === undefined || rule.port === (port === '' ? '443' : port)) && rule.has(host),
    );
  };
}

function readExemption(rule: string): { readonly port: string | undefined; readonly has: (host: string) => boolean } {
  if (rule === '*') return { port: undefined, has: () => true };
  if (ipaddr.isValidCIDR(rule)) {
    const range = ipaddr.parseCIDR(rule);
    const has = (host: string): boolean => {
      if (!ipaddr.isValid(host)) return false;
      const address = ipaddr.process(host);
      return address.kind() === range[0].kind() && address.match(range);
    };
    return { port: undefined, has };
  }
  const { host, port } = splitPort(rule);
  const name = host.replaceAll(/^\[|\]$|^\*?\.|\.$/g, '');
  return { port, has: (asked) => asked === name || asked.endsWith(`.${name}`) };
}

/** An IPv6 address has colons of its own: with a port it is in brackets. */
function splitPort(rule: string): { readonly host: string; readonly port: string | undefined } {
  const at = rule.lastIndexOf(':');
  const isPort = rule[at - 1] === ']' || rule.indexOf(':') === at;
  if (at < 0 || !isPort) return { host: rule, port: undefined };
  return { host: rule.slice(0, at), port: rule.slice(at + 1) };
}
