import { createServer } from 'node:net';

/** Below the ephemeral range: connections of other tests must not take a port between its choice and its use. */
const FROM = 12_000;
const TO = 30_000;

/** A port of loopback that is free now, for programs that cannot listen on 0 and say where they are. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FROM + Math.floor(Math.random() * (TO - FROM));
    if (await canListen(port)) return port;
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
