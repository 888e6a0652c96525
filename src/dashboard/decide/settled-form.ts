import { useEffect, useRef, useState, type KeyboardEvent, type RefObject, type SubmitEvent } from 'react';

/** How long a form takes no press after it has opened: the press may have been meant for what was there before. Ms. */
const SETTLE_MS = 500;

/**
 * A form that decides. It is sent by its button, by Enter on it, or by Ctrl+Enter anywhere in it; never by a key that is
 * held down, and never by a press of its first half second, however late the browser delivers that press.
 */
export function useSettledForm(send: () => void, focusFirst?: RefObject<HTMLElement | null>) {
  const [isSettled, setSettled] = useState(false);
  const settlesAt = useRef(Number.POSITIVE_INFINITY);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    // From when it is on screen.
    const frame = requestAnimationFrame((shownAt) => {
      settlesAt.current = shownAt + SETTLE_MS;
      timer = setTimeout(() => setSettled(true), SETTLE_MS);
    });
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    };
  }, []);
  useEffect(() => {
    if (!isSettled || focusFirst === undefined) return;
    // Someone who is already typing a comment stays there.
    if (focusFirst.current?.closest('form')?.contains(document.activeElement) !== true) focusFirst.current?.focus();
  }, [isSettled, focusFirst]);
  return {
    /** Until then its submit button is disabled. */
    isSettled,
    formProps: {
      onSubmit: (event: SubmitEvent<HTMLFormElement>): void => {
        event.preventDefault();
        if (performance.now() >= settlesAt.current) send();
      },
      onKeyDownCapture: (event: KeyboardEvent<HTMLFormElement>): void => {
        if (event.key !== 'Enter') return;
        const sends = event.ctrlKey || event.metaKey;
        const isLineBreak = event.target instanceof HTMLTextAreaElement && !sends;
        const isTooEarly = event.timeStamp < settlesAt.current || (event.repeat && !isLineBreak);
        if (!isTooEarly && !sends) return;
        event.preventDefault();
        event.stopPropagation();
        if (!isTooEarly) event.currentTarget.requestSubmit();
      },
    },
  };
}
