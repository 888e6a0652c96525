import { useSyncExternalStore } from 'react';
import { Button, Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { useKeys } from './keys.ts';

const KEYS: readonly (readonly [string, string])[] = [
  ['j / k', 'next / previous review'],
  ['Enter', 'open the review; send a decision that is being asked for'],
  ['a', 'approve (and page through what has not been on screen yet)'],
  ['e', 'edit, then approve'],
  ['r', 'reject'],
  ['c', 'ask for changes'],
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
          <Button slot="close" className="button">
            Close
          </Button>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
