// `npm run screenshots`: remakes docs/screenshots from a demo of its own, at both widths, light and dark.
import { runTypeScript } from './lib/run-typescript.mjs';

await runTypeScript('screenshots.ts');
