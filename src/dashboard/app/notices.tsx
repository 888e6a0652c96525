import type { ReactNode } from 'react';
import { Button } from 'react-aria-components';
import { createStore } from '../data/store.ts';
import { Icon } from '../ui/icon.tsx';
import { words } from '../words.ts';

/** The result of an action, for when what it was about is no longer on the page. */
interface Notice {
  readonly id: number;
  readonly tone: 'good' | 'bad' | 'plain';
  readonly text: string;
}

const notices = createStore<readonly Notice[]>([]);
let nextId = 0;

/** Successes disappear by themselves; failures stay until they are dismissed. */
export function notify(tone: Notice['tone'], text: string): void {
  nextId += 1;
  const id = nextId;
  notices.set([...notices.get().slice(-3), { id, tone, text }]);
  if (tone !== 'bad') setTimeout(() => dismiss(id), 8_000);
}

function dismiss(id: number): void {
  notices.set(notices.get().filter((notice) => notice.id !== id));
}

export function Notices({ children }: { readonly children: ReactNode }) {
  const shown = notices.use();
  return (
    <div className="notices" role="status">
      {children}
      {shown.map(({ id, tone, text }) => (
        <p key={id} className={`note note-${tone}`} data-testid="notice">
          <span>{text}</span>
          <Button className="button button-plain" aria-label={words.shell.dismiss} onPress={() => dismiss(id)}>
            <Icon name="close" />
          </Button>
        </p>
      ))}
    </div>
  );
}
