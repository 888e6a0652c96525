// `npm start`
import { becomeHoldpoint } from './lib/become.mjs';

await becomeHoldpoint('dev');
