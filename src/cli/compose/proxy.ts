import { noProxy, readProxy, type FindProxy } from '../../domain/proxy.ts';
import type { Environment } from '../embedded/cache.ts';
import { StartError } from '../start-error.ts';

/** By `HTTPS_PROXY` and `NO_PROXY`; as with other programs, the lower-case names come first. Throws `setting_invalid`. */
export function readProxyFrom(env: Environment): FindProxy {
  try {
    return readProxy(env['https_proxy'] || env['HTTPS_PROXY'], env['no_proxy'] || env['NO_PROXY']);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new StartError('setting_invalid', `HTTPS_PROXY is malformed. Set it to ${error.message}.`, { cause: error });
  }
}

/** For connections to Temporal: those of clients would follow `https_proxy` and `http_proxy` by themselves, those of workers not. */
export const DIRECT_GRPC = { channelArgs: { 'grpc.enable_http_proxy': 0 } } as const;

/**
 * Has every `fetch` of this process use the proxy: to the identity provider, to Slack, and of the command line to an api. Their
 * addresses are not checked, so the proxy is asked for the host by name.
 */
export async function useProxyForFetch(env: Environment): Promise<void> {
  const proxy = readProxyFrom(env);
  if (proxy === noProxy) return;
  const [{ Agent, setGlobalDispatcher }, { guardedConnector, systemResolver }] = await Promise.all([
    import('undici'),
    import('../../connectors/http/exchange.ts'),
  ]);
  const free = { resolve: systemResolver, allowPrivateAddresses: true, proxy, sendBy: Number.POSITIVE_INFINITY };
  const connect = guardedConnector({ ...free, signal: new AbortController().signal }, { handedOver: false });
  setGlobalDispatcher(new Agent({ connect }));
}
