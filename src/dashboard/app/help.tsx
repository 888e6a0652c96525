import { Button, Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { createStore } from '../data/store.ts';
import { words } from '../words.ts';
import { useKeys } from './keys.ts';
import { keepSingleKeys, useSingleKeys } from './preferences.ts';
import { Fact } from '../ui/parts.tsx';

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
          <Heading slot="title">{words.keys.title}</Heading>
          <dl className="keys">
            {words.keys.list.map(([key, what]) => (
              <Fact key={key} name={<kbd>{key}</kbd>}>
                {what}
              </Fact>
            ))}
          </dl>
          <p role="status">{singleKeys ? words.keys.on : words.keys.off}</p>
          <div className="buttons">
            <Button className="button" onPress={() => keepSingleKeys(!singleKeys)}>
              {singleKeys ? words.keys.turnOff : words.keys.turnOn}
            </Button>
            <Button slot="close" className="button">
              {words.keys.close}
            </Button>
          </div>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
