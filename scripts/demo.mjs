// `npm run demo`: the tour, in a second terminal beside `npm start`
import { becomeHoldpoint } from './lib/become.mjs';

await becomeHoldpoint('demo');
