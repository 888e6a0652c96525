import { fileURLToPath } from 'node:url';

/** The checkout, whatever the working directory. */
export const root = fileURLToPath(new URL('../..', import.meta.url));
