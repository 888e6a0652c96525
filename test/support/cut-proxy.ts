import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A network between one part and one server that can fail. */
export interface CutProxy {
  readonly port: number;
  /** Resets every connection there is. */
  cut(): void;
  /** While held, bytes arrive nowhere and no connection ends, as behind a firewall that drops packets. */
  hold(isHeld: boolean): void;
  close(): void;
}

export async function startCutProxy(target: number): Promise<CutProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let isHeld = false;
  const flow = ([a, b]: readonly [Socket, Socket]): void => {
    if (isHeld) {
      for (const socket of [a.unpipe(b), b.unpipe(a)]) socket.pause();
    } else {
      a.pipe(b);
      b.pipe(a);
    }
  };
  const server = createServer((client) => {
    const pair = [client, connect(target, '127.0.0.1')] as const;
    pairs.add(pair);
    for (const socket of pair) {
      socket.setNoDelay(true);
      socket
        .on('error', () => undefined)
        .once('close', () => {
          pairs.delete(pair);
          for (const end of pair) end.destroy();
        });
    }
    flow(pair);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    for (const pair of pairs) for (const socket of pair) socket.resetAndDestroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    hold: (held) => {
      isHeld = held;
      for (const pair of pairs) flow(pair);
    },
    close: () => {
      server.close();
      cut();
    },
  };
}
