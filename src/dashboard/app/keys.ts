import { useEffect, useRef } from 'react';
import { singleKeysAreOn } from './preferences.ts';

type KeyMap = Readonly<Record<string, (event: KeyboardEvent) => void>>;

/**
 * Single keys for the whole page. They are inactive while the user types (except Esc, which cancels), while a dialog or a popover
 * is open, and with Ctrl, Alt or Meta. A key that is held down counts once. Character keys can be turned off.
 */
export function useKeys(keys: KeyMap): void {
  const current = useRef(keys);
  useEffect(() => {
    current.current = keys;
  });
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
      if (event.key.length === 1 && !singleKeysAreOn()) return;
      if (isTyping(event.target) && !(event.key === 'Escape' && !event.isComposing)) return;
      if (document.querySelector('[role=dialog][data-modal], :popover-open')) return;
      const act = Object.hasOwn(current.current, event.key) ? current.current[event.key] : undefined;
      if (act === undefined) return;
      act(event);
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.matches('input:not([type=radio], [type=checkbox]), textarea, select'))
  );
}
