import { useSyncExternalStore } from 'react';
import { Button, Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { useKeys } from './keys.ts';
import { keepSingleKeys, useSingleKeys } from './single-keys.ts';

const KEYS: readonly (readonly [string, string])[] = [
  ['j / k', 'next / previous review'],
  ['Enter', 'open the review; send a decision that is being asked for'],
  ['a', 'approve (and page through what has not been on screen yet)'],
  ['e', 'edit, then approve'],
  ['r', 'reject; stop an approved call that has not run yet'],
  ['c', 'ask for changes'],
  ['w', 'answer (in-flow questions)'],
  ['i', 'back to the inbox'],
  ['/', 'search'],
  ['Esc', 'leave what was begun'],
  ['?', 'this list'],
];

let isOpen = false;
const listeners = new Set<() => void>();

function set(open: boolean): void {
  isOpen = open;
  for (const listener of listeners) listener();
}

export function openHelp(): void {
  set(true);
}

export function HelpDialog() {
  const open = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    () => isOpen,
  );
  const singleKeys = useSingleKeys();
  useKeys({ '?': openHelp });
  return (
    <ModalOverlay isOpen={open} onOpenChange={set} isDismissable className="overlay">
      <Modal className="modal">
        <Dialog className="dialog" data-modal="">
          <Heading slot="title">Keyboard</Heading>
          <dl className="keys">
            {KEYS.map(([key, what]) => (
              <div key={key}>
                <dt>
                  <kbd>{key}</kbd>
                </dt>
                <dd>{what}</dd>
              </div>
            ))}
          </dl>
          <p role="status">
            {singleKeys
              ? 'Single-key shortcuts are on, in this browser.'
              : 'Single-key shortcuts are off: letters, / and ? do nothing. Enter and Esc still act.'}
          </p>
          <div className="buttons">
            <Button className="button" onPress={() => keepSingleKeys(!singleKeys)}>
              Turn single-key shortcuts {singleKeys ? 'off' : 'on'}
            </Button>
            <Button slot="close" className="button">
              Close
            </Button>
          </div>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
