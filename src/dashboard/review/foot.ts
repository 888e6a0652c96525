/** What lies over the page at the bottom (buttons to decide with): as high as it is now, in px. */
let height = 0;
const listeners = new Set<() => void>();
const shown = new Set<Element>();
let observer: ResizeObserver | undefined;

export function footHeight(): number {
  return height;
}

export function whenFootChanges(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** `ref` of whatever covers the foot of the page. What is behind it is not on screen. */
export function foot(element: Element | null): (() => void) | undefined {
  if (element === null) return undefined;
  observer ??= new ResizeObserver(measure);
  shown.add(element);
  observer.observe(element);
  measure();
  return () => {
    shown.delete(element);
    observer?.unobserve(element);
    measure();
  };
}

function measure(): void {
  const next = Math.max(0, ...[...shown].map((element) => element.getBoundingClientRect().height));
  if (next === height) return;
  height = next;
  // So that the end of the page can be scrolled out from behind it.
  document.documentElement.style.setProperty('--foot', `${Math.ceil(next)}px`);
  for (const listener of listeners) listener();
}
