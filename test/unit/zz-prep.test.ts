import { test } from 'vitest';
import { findTemporalCli } from '../../src/cli/embedded/temporal-cli.ts';
import { findTimeSkippingServer } from '../support/time-skipping-server.ts';
test('prep', async () => {
  console.log(await findTemporalCli(process.env, (l) => console.log(l)));
  console.log(await findTimeSkippingServer(process.env, (l) => console.log(l)));
}, 1_200_000);
