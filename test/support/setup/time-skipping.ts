import { findTimeSkippingServer } from '../time-skipping-server.ts';

export default async function setup(): Promise<void> {
  await findTimeSkippingServer(process.env, (line) => process.stderr.write(`${line}\n`));
}
