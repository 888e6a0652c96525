import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Certificates {
  /** PEM file of the authority, for NODE_EXTRA_CA_CERTS. */
  readonly caFile: string;
  /** A key and a certificate that the authority signed. */
  issue(options: { readonly names: string; readonly days?: number }): { readonly key: string; readonly cert: string };
  remove(): void;
}

/** A private certificate authority, as companies run one. */
export function createAuthority(): Certificates {
  const directory = mkdtempSync(join(tmpdir(), 'holdpoint-ca-'));
  const at = (name: string): string => join(directory, name);
  const openssl = (...args: readonly string[]): void => {
    execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' });
  };
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...newKey, '-subj', '/CN=Private CA', '-days', '30', '-keyout', 'ca.key', '-out', 'ca.pem');
  return {
    caFile: at('ca.pem'),
    issue({ names, days = 30 }) {
      writeFileSync(at('names'), `subjectAltName=${names}\n`);
      openssl('req', '-new', ...newKey, '-subj', '/CN=server', '-keyout', 'server.key', '-out', 'server.csr');
      // A negative number of days: the certificate has expired.
      const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', String(days), '-extfile', 'names'];
      openssl('x509', '-req', '-in', 'server.csr', ...by, '-out', 'server.pem');
      return { key: readFileSync(at('server.key'), 'utf8'), cert: readFileSync(at('server.pem'), 'utf8') };
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
