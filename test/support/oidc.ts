import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider, type ClientMetadata } from 'oidc-provider';

export interface TestPerson {
  readonly sub: string;
  readonly email?: string;
  readonly groups?: readonly string[];
}

export interface TestProvider {
  readonly issuer: string;
  /** Who signs in when a browser comes; null: whoever it is says no. */
  person: TestPerson | null;
  /** Answers everything with 503 while set. */
  isDown: boolean;
  close(): Promise<void>;
}

export const CLIENT_ID = 'holdpoint';
export const CLIENT_SECRET = 'a-secret-that-appears-nowhere-else';

/**
 * A real OpenID provider in this process. Whoever comes is signed in as `person` without a form; everything else is as
 * oidc-provider does it. PKCE is required.
 */
export async function startProvider(
  redirectUri: string,
  options: { readonly client?: Partial<ClientMetadata>; readonly port?: number } = {},
): Promise<TestProvider> {
  let handle: (req: IncomingMessage, res: ServerResponse) => void = (_req, res) => res.writeHead(503).end();
  const server = createServer((req, res) => handle(req, res));
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const people = new Map<string, TestPerson>();
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
        redirect_uris: [redirectUri],
        response_types: ['code'],
        grant_types: ['authorization_code'],
        ...options.client,
      },
    ],
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'test', use: 'sig', alg: 'RS256' }] },
    cookies: { keys: [randomUUID()] },
    claims: { openid: ['sub'], groups: ['groups'], email: ['email'] },
    scopes: ['openid', 'groups', 'email'],
    pkce: { required: () => true },
    // Seconds; said, so that it does not remark on its defaults.
    ttl: { AccessToken: 60, AuthorizationCode: 60, Grant: 600, IdToken: 60, Interaction: 600, Session: 600 },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ ...people.get(sub), sub }) as never }),
    // Nobody is asked for consent: this provider and this client belong to one house.
    loadExistingGrant: async (ctx) => {
      const accountId = ctx.oidc.session?.accountId;
      const clientId = ctx.oidc.client?.clientId;
      if (accountId === undefined || clientId === undefined) return undefined;
      const grant = new provider.Grant({ accountId, clientId });
      grant.addOIDCScope('openid groups email');
      await grant.save();
      return grant;
    },
  });
  const answer = provider.callback();
  const state: TestProvider = {
    issuer,
    person: null,
    isDown: false,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  const interact = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const { person } = state;
    if (person !== null) people.set(person.sub, person);
    const result = person === null ? { error: 'access_denied' } : { login: { accountId: person.sub } };
    await provider.interactionFinished(req, res, result);
  };
  handle = (req, res) => {
    if (state.isDown) res.writeHead(503).end();
    else if (req.url?.startsWith('/interaction/') === true) interact(req, res).catch(() => res.writeHead(500).end());
    else void answer(req, res);
  };
  return state;
}

/** A browser as far as redirects and cookies go. */
export class TestBrowser {
  readonly #cookies = new Map<string, string>();

  /** Follows redirects, and stops before it asks for an address that `stopAt` accepts. */
  async visit(url: string, stopAt: (url: URL) => boolean = () => false): Promise<{ url: URL; response: Response }> {
    let at = new URL(url);
    for (let hops = 0; hops < 20; hops += 1) {
      const response = await this.get(at);
      const location = response.headers.get('location');
      if (location === null) return { url: at, response };
      await response.body?.cancel();
      at = new URL(location, at);
      if (stopAt(at)) return { url: at, response };
    }
    throw new Error('too many redirects');
  }

  async get(url: URL): Promise<Response> {
    const response = await fetch(url, { redirect: 'manual', headers: { cookie: this.cookieFor(url) } });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const name = pair.slice(0, pair.indexOf('='));
      const isGone = /max-age=0|expires=thu, 01 jan 1970/i.test(line) || pair.endsWith('=');
      if (isGone) this.#cookies.delete(`${url.origin} ${name}`);
      else this.#cookies.set(`${url.origin} ${name}`, pair);
    }
    return response;
  }

  cookieFor(url: URL): string {
    return [...this.#cookies].flatMap(([key, pair]) => (key.startsWith(`${url.origin} `) ? [pair] : [])).join('; ');
  }
}
