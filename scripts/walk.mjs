// `npm run walk`: records docs/walk.svg, the walk through the demo that the README shows.
import { runTypeScript } from './lib/run-typescript.mjs';

await runTypeScript('walk.ts');
