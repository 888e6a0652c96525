// `npm start`
import { becomeHoldpoint } from './lib/become.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { refuseSecondStart } from './lib/refuse-second-start.mjs';

ensureInstalled();
// Before the build: it would swap the code from under the one that runs.
await refuseSecondStart();
await becomeHoldpoint('dev');
