import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';

export interface ConnectProxy {
  readonly url: string;
  /** What it was asked to connect to, and the login that came along. */
  readonly asked: readonly { readonly authority: string; readonly login: string | undefined }[];
  close(): Promise<void>;
}

/** An HTTP proxy that knows CONNECT alone. Whatever it is asked for, it connects to `port` of this machine, as a test has no other. */
export async function startConnectProxy(port: number, refuseWith?: number): Promise<ConnectProxy> {
  const asked: { authority: string; login: string | undefined }[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((_, response) => response.writeHead(400).end());
  server.on('connect', ({ url = '', headers }, client: Socket) => {
    asked.push({ authority: url, login: headers['proxy-authorization'] });
    if (refuseWith !== undefined) return void client.end(`HTTP/1.1 ${refuseWith} No\r\nContent-Length: 0\r\n\r\n`);
    const target = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      target.pipe(client).pipe(target);
    });
    for (const socket of [target, client]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
