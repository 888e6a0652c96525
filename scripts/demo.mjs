// `npm run demo`: a tour of a Holdpoint that `npm start` runs in another terminal.
import { becomeHoldpoint } from './lib/become.mjs';

await becomeHoldpoint('demo');
