import type { KeyObject } from 'node:crypto';
import { writeJson } from '../../../../contract/exact-number.ts';
import { isFinal } from '../../../../domain/lifecycle.ts';
import { viewForAgent } from '../../../../domain/show/agent-view.ts';
import { namesPrivatePlace } from '../../../../domain/addresses.ts';
import { isCallbackAllowed } from '../../../../domain/callback.ts';
import type { SettingsSource } from '../../../../domain/policy/settings.ts';
import type { Channel } from '../../channel.ts';
import { judgePost, signMessage, type SendPost } from '../webhook/standard-webhook.ts';

export interface CallbackDeps {
  readonly settings: SettingsSource;
  readonly post: SendPost;
  /** The deployment's key for callbacks (Ed25519); undefined where this machine has none. */
  readonly key: () => KeyObject | undefined;
  readonly now: () => number;
}

/** The final answer to an agent, at the address that it named when it proposed. */
export function createCallbackChannel({ settings, post, key, now }: CallbackDeps): Channel {
  return {
    name: 'callback',
    async deliver({ notices: [notice], signal }) {
      const { review } = notice;
      const url = review.callback;
      // Retention has erased it, with everything that could be said.
      if (url === null) return { kind: 'skipped', code: 'erased' };
      if (!isFinal(review)) return { kind: 'retry', code: 'not_final' };
      // Whoever signs its own proposals may have signed any address; so may a configuration that is gone.
      if (!isCallbackAllowed(url, settings.current().callbacks)) {
        return { kind: 'give_up', code: 'callback_not_allowed' };
      }
      const privateKey = key();
      if (privateKey === undefined) return { kind: 'retry', code: 'key_missing' };
      const body = writeJson({ type: 'review.final', timestamp: notice.at, data: viewForAgent(review) });
      const headers = signMessage(notice.id, body, now(), [{ version: 'v1a', key: privateKey }]);
      return judgePost(
        await post({ url, headers, body, allowPrivateAddresses: namesPrivatePlace(url), signal }),
        now(),
      );
    },
  };
}
