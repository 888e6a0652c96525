import { Button, Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { createStore } from '../data/store.ts';
import { useKeys } from './keys.ts';
import { keepSingleKeys, useSingleKeys } from './preferences.ts';

const KEYS: readonly (readonly [string, string])[] = [
  ['j / k', 'next / previous review'],
  ['Enter', 'open the review; send the form'],
  ['a', 'approve (or scroll to what has not been on screen yet)'],
  ['e', 'edit, then approve'],
  ['r', 'reject; stop an approved call that has not run yet'],
  ['c', 'ask for changes'],
  ['w', 'answer (in-flow questions)'],
  ['i', 'back to the inbox'],
  ['/', 'search'],
  ['Esc', 'cancel'],
  ['?', 'this list'],
];

const isOpen = createStore(false);

export function openHelp(): void {
  isOpen.set(true);
}

export function HelpDialog() {
  const open = isOpen.use();
  const singleKeys = useSingleKeys();
  useKeys({ '?': openHelp });
  return (
    <ModalOverlay isOpen={open} onOpenChange={isOpen.set} isDismissable className="overlay">
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
              ? 'Single-key shortcuts are on in this browser.'
              : 'Single-key shortcuts are off: letters, / and ? do nothing. Enter and Esc still work.'}
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
