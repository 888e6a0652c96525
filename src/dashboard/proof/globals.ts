import { Buffer } from 'buffer/';
import { z } from 'zod';

// The core's code is written for Node; this is all of it that a browser lacks, apart from `node:crypto`.
Object.assign(globalThis, { Buffer });
// Under our CSP nothing is compiled from text; without this zod would try.
z.config({ jitless: true });
