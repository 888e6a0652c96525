/** Why a connection to a server could not be made; nothing of a request was sent. */
export interface ConnectFailure {
  /** `untrusted`: the server was reached, and its certificate is not accepted. */
  readonly kind: 'untrusted' | 'unreachable';
  /** What happened and the way out, free of addresses and secrets: agents and reviewers read it. */
  readonly words: string;
}

const TRUST =
  'Set NODE_EXTRA_CA_CERTS to a PEM file with the certificate of that authority, in the environment of this process';
const UNKNOWN_AUTHORITY = `The certificate of the server is signed by an authority that this process does not trust. ${TRUST}`;

const OTHER_HOST =
  'The certificate of the server is for other host names. Correct the host in the URL, or the certificate';
const UNKNOWN_HOST = 'The server has no certificate for this host name. Correct the host in the URL';
const NOT_ISSUED_FOR_THIS =
  'The certificate of the server, or one that signed it, was not issued for this use. Replace it there';
const REFUSES = 'The server refuses the connection without a certificate of the client';
const WANTS_CLIENT = `${REFUSES}, which connectors do not have. Put a proxy that has one in front of it`;

/** By the code of OpenSSL or of Node (https://nodejs.org/api/tls.html#x509-certificate-error-codes). */
const UNTRUSTED: Readonly<Record<string, string>> = {
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: `${UNKNOWN_AUTHORITY}, or have the server send its intermediate certificates`,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  DEPTH_ZERO_SELF_SIGNED_CERT: `The certificate of the server is self-signed. ${TRUST}`,
  CERT_UNTRUSTED: UNKNOWN_AUTHORITY,
  CERT_HAS_EXPIRED: 'The certificate of the server has expired. Renew it there',
  CERT_NOT_YET_VALID: 'The certificate of the server is not valid yet. Check the clocks of both machines',
  CERT_REVOKED: 'The certificate of the server has been revoked. Replace it there',
  ERR_TLS_CERT_ALTNAME_INVALID: OTHER_HOST,
  HOSTNAME_MISMATCH: OTHER_HOST,
  INVALID_CA: NOT_ISSUED_FOR_THIS,
  INVALID_PURPOSE: NOT_ISSUED_FOR_THIS,
  PATH_LENGTH_EXCEEDED: NOT_ISSUED_FOR_THIS,
  CERT_REJECTED: NOT_ISSUED_FOR_THIS,
  CERT_CHAIN_TOO_LONG: 'The server sends too many certificates. Correct its chain there',
  CERT_SIGNATURE_FAILURE: 'A certificate of the server has a wrong signature. Replace it there',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: WANTS_CLIENT,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: WANTS_CLIENT,
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: `${REFUSES}, or has no cipher in common with this process`,
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: WANTS_CLIENT,
  ERR_SSL_TLSV1_UNRECOGNIZED_NAME: UNKNOWN_HOST,
  ERR_SSL_TLSV1_ALERT_UNRECOGNIZED_NAME: UNKNOWN_HOST,
  ERR_SSL_EE_KEY_TOO_SMALL: 'The key of the server’s certificate is too short. Replace the certificate there',
  ERR_SSL_CA_MD_TOO_WEAK: 'The certificate of the server is signed with a weak hash. Replace it there',
};

const UNREACHABLE: Readonly<Record<string, string>> = {
  ENOENT: 'The command that starts the server does not exist. Check command in the configuration',
  EACCES: 'The command that starts the server may not be run. Check command in the configuration',
  ENOTFOUND: 'The host name cannot be resolved. Check the URL and the name servers of this machine',
  EAI_AGAIN: 'The name servers do not answer. Check the network of this machine',
  ECONNREFUSED: 'No server is listening at this address. Check the host and the port, and that it is running',
  ECONNRESET: 'The server closed the connection before anything was sent',
  EPIPE: 'The server closed the connection before anything was sent',
  UND_ERR_SOCKET: 'The server closed the connection before anything was sent',
  EHOSTUNREACH: 'There is no route to the host. Check the network and the firewall of this machine',
  ENETUNREACH: 'There is no route to the network. Check the network and the firewall of this machine',
  ETIMEDOUT: 'The server does not answer. Check the host, the port and the firewalls on the way',
  ERR_SSL_WRONG_VERSION_NUMBER:
    'The server does not speak TLS at this port. Check the port, or write http:// in the URL',
  ERR_SSL_PACKET_LENGTH_TOO_LONG:
    'The server does not speak TLS at this port. Check the port, or write http:// in the URL',
};

/** A proxy did not connect. Its message says why and what to do, and names no address of the proxy. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
}

/** Explains an error of a failed connection, however deep the cause lies: libraries wrap what Node reports. */
export function explainConnectFailure(error: unknown): ConnectFailure {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof ProxyError) return { kind: 'unreachable', words: at.message };
  }
  const codes = codesOf(error, 0);
  for (const code of codes) {
    const untrusted = UNTRUSTED[code];
    if (untrusted !== undefined) return { kind: 'untrusted', words: `${untrusted} (${code})` };
  }
  for (const code of codes) {
    const words = UNREACHABLE[code];
    if (words !== undefined) return { kind: 'unreachable', words: `${words} (${code})` };
    if (code.startsWith('ERR_SSL_') || code === 'EPROTO') {
      return {
        kind: 'untrusted',
        words: `TLS could not be set up with the server (${code}). Compare the TLS versions of both`,
      };
    }
  }
  const [code] = codes;
  return { kind: 'unreachable', words: `The server could not be reached${code === undefined ? '' : ` (${code})`}` };
}

/** Wrapped errors may form a circle. */
const DEEPEST = 8;

function codesOf(error: unknown, depth: number): readonly string[] {
  if (typeof error !== 'object' || error === null || depth > DEEPEST) return [];
  const { code, cause, errors } = error as {
    readonly code?: unknown;
    readonly cause?: unknown;
    readonly errors?: unknown;
  };
  const own = typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,80}$/.test(code) ? [code] : [];
  const inner: readonly unknown[] = [cause, ...(Array.isArray(errors) ? (errors as readonly unknown[]) : [])];
  return [...inner.flatMap((one) => codesOf(one, depth + 1)), ...own];
}
