import { fileURLToPath } from 'node:url';
import type { DataConverter } from '@temporalio/common';

/** For every client and worker of ours, and for the workflow bundle: see the file it names. */
export const dataConverter: DataConverter = {
  payloadConverterPath: fileURLToPath(new URL('../../workflows/payload-converter.cjs', import.meta.url)),
};
