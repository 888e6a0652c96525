import type { KindedConnector } from '../domain/render/index.ts';

/** Keys of a connector that another key leaves without effect. */
export function findUnusedKeys(kinded: KindedConnector): readonly { readonly key: string; readonly why: string }[] {
  const unused = (keys: readonly string[], why: string) =>
    keys.filter((key) => Object.hasOwn(kinded.config, key)).map((key) => ({ key, why }));
  switch (kinded.kind) {
    case 'http':
      return kinded.config.credential === undefined
        ? unused(['credentialHeader', 'credentialScheme'], 'without a credential')
        : [];
    case 'mcp':
      return kinded.config.url === undefined
        ? unused(['credential', 'allowPrivateAddresses'], 'with a command: a child process gets its credentials by env')
        : unused(['env'], 'with a url: no process is started');
    case 'postgres':
      return [];
  }
}
