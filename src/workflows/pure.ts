/**
 * What workflows import of `domain` and `contract`. It holds no state, so the sandbox loads it once for all of them, frozen,
 * and not for each review anew.
 */
import '../contract/constants.ts';
import '../domain/deadline.ts';
import '../domain/eligibility.ts';
import '../domain/gate/change.ts';
import '../domain/gate/decide.ts';
import '../domain/gate/describe.ts';
import '../domain/gate/state.ts';
import '../domain/gate/view.ts';
import '../domain/ledger.ts';
import '../domain/lifecycle.ts';
import '../domain/outcome.ts';
import '../domain/text/base64.ts';
import '../domain/ulid.ts';
