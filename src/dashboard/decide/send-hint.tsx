import type { KeyboardEvent } from 'react';
import { words } from '../words.ts';

/** As the reader's keyboard names it. */
const MODIFIER = /Mac|iPhone|iPad/.test(navigator.userAgent) ? '⌘' : words.panels.control;

/** Says that the form can be sent from any of its fields. */
export function SendHint({ does = words.panels.sends }: { readonly does?: string }) {
  return (
    <p className="send-hint">
      <kbd>{MODIFIER}</kbd> + <kbd>{words.panels.enter}</kbd> {does}
    </p>
  );
}

/** `onKeyDown` of a form that needs no time to settle. */
export function sendByControlEnter(event: KeyboardEvent<HTMLFormElement>): void {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) event.currentTarget.requestSubmit();
}
