// `npm run demo`: the tour, in a second terminal while `npm start` runs
import { becomeHoldpoint } from './lib/become.mjs';

await becomeHoldpoint('demo');
