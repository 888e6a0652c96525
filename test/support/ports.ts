import { createServer } from 'node:net';

/** Below the ephemeral range: connections of other tests must not take a port between its choice and its use. */
const FROM = 12_000;
const TO = 30_000;
/** Files that run at the same time choose among different ports, and one file never takes one twice. */
const LANES = 4;
const lane = Number(process.env['VITEST_POOL_ID'] ?? 0) % LANES;
const given = new Set<number>();

/** A port of loopback that is free now, for programs that cannot listen on 0 and say where they are. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FROM + lane + LANES * Math.floor((Math.random() * (TO - FROM)) / LANES);
    if (given.has(port) || !(await canListen(port))) continue;
    given.add(port);
    return port;
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
