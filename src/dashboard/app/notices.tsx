import { useSyncExternalStore } from 'react';
import { Button } from 'react-aria-components';

/** What became of something a person did, where the thing itself is no longer on the page to say it. */
export interface Notice {
  readonly id: number;
  readonly tone: 'good' | 'bad' | 'plain';
  readonly text: string;
}

let notices: readonly Notice[] = [];
let nextId = 0;
const listeners = new Set<() => void>();

/** Good news goes by itself; what went wrong stays until it is dismissed. */
export function notify(tone: Notice['tone'], text: string): void {
  nextId += 1;
  const id = nextId;
  replace([...notices.slice(-3), { id, tone, text }]);
  if (tone !== 'bad') setTimeout(() => dismiss(id), 8_000);
}

function dismiss(id: number): void {
  replace(notices.filter((notice) => notice.id !== id));
}

function replace(next: readonly Notice[]): void {
  notices = next;
  for (const listener of listeners) listener();
}

export function Notices() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    () => notices,
  );
  return (
    <div className="notices" role="status">
      {shown.map(({ id, tone, text }) => (
        <p key={id} className={`note note-${tone}`} data-testid="notice">
          <span>{text}</span>
          <Button className="button button-small" onPress={() => dismiss(id)}>
            Dismiss
          </Button>
        </p>
      ))}
    </div>
  );
}
