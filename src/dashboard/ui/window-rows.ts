import { useEffect, useLayoutEffect, useState, type RefObject } from 'react';
import { useWindowVirtualizer, type VirtualItem } from '@tanstack/react-virtual';

interface WindowRowsOptions {
  /** The list; it stands where it is drawn. */
  readonly box: RefObject<HTMLElement | null>;
  readonly count: number;
  /** Height of a row that has not been on screen, px. */
  readonly estimateSize: (row: number) => number;
  readonly keyOf: (row: number) => string | number;
  /** Asks for the next page, where there is one; called before the end of the list is seen, again and again. */
  readonly loadMore: () => void;
}

/** A list as long as the page, of which only what is near the screen is drawn. */
export function useWindowRows({ box, count, estimateSize, keyOf, loadMore }: WindowRowsOptions) {
  const top = useTop(box);
  const virtual = useWindowVirtualizer<HTMLElement>({
    count,
    estimateSize,
    getItemKey: keyOf,
    overscan: 8,
    scrollMargin: top,
    // What the head of the page covers, and a little air below.
    scrollPaddingStart: 72,
    scrollPaddingEnd: 24,
  });
  // Rows near the screen: only these are in the document.
  const shown = virtual.getVirtualItems();
  const lastShown = shown.at(-1)?.index ?? 0;
  useEffect(() => {
    if (lastShown >= count - 20) loadMore();
  });
  const placeOf = ({ start }: VirtualItem) => ({ transform: `translateY(${start - top}px)` });
  return { virtual, shown, placeOf };
}

/** Where the list begins on the page. What stands above it folds and unfolds. */
function useTop(box: RefObject<HTMLElement | null>): number {
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const measure = (): void => setTop(box.current?.offsetTop ?? 0);
    measure();
    const around = box.current?.parentElement;
    if (around === null || around === undefined) return;
    const observer = new ResizeObserver(measure);
    observer.observe(around);
    return () => observer.disconnect();
  }, [box]);
  return top;
}
