import { createContext, use, useEffect, useMemo, useRef, useSyncExternalStore, type ReactNode } from 'react';

/** Height of what lies over the page at the top and at the bottom, in px: what is behind it is not on screen. */
const COVERED_TOP = 52;
const COVERED_BOTTOM = 108;

/** Which pieces of what is decided on have been on screen, whole. */
class SeenTracker {
  readonly #waiting = new Set<Element>();
  readonly #listeners = new Set<() => void>();
  #total = 0;
  #observer: IntersectionObserver | undefined;
  #snapshot: SeenState = { total: 0, left: 0 };

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  readonly state = (): SeenState => this.#snapshot;

  add(element: Element): () => void {
    this.#observer ??= new IntersectionObserver((entries) => this.#take(entries), {
      threshold: [0.25, 0.5, 0.75, 0.98, 1],
      rootMargin: `-${COVERED_TOP}px 0px -${COVERED_BOTTOM}px 0px`,
    });
    this.#waiting.add(element);
    this.#total += 1;
    this.#observer.observe(element);
    this.#changed();
    return () => {
      this.#observer?.unobserve(element);
      this.#waiting.delete(element);
      this.#total -= 1;
      this.#changed();
    };
  }

  /** Brings the first piece that was not on screen to its top. */
  showNext(): void {
    const order = (a: Element, b: Element): number =>
      a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1;
    const [next] = [...this.#waiting].toSorted(order);
    next?.scrollIntoView({ block: 'start', behavior: 'instant' });
  }

  #take(entries: readonly IntersectionObserverEntry[]): void {
    let changed = false;
    for (const entry of entries) {
      const { rootBounds, intersectionRect, intersectionRatio, target } = entry;
      // A piece that is higher than the screen (large type) counts when it fills it.
      const fills = rootBounds !== null && intersectionRect.height >= rootBounds.height * 0.9;
      if (!entry.isIntersecting || (intersectionRatio < 0.98 && !fills)) continue;
      this.#observer?.unobserve(target);
      changed = this.#waiting.delete(target) || changed;
    }
    if (changed) this.#changed();
  }

  #changed(): void {
    this.#snapshot = { total: this.#total, left: this.#waiting.size };
    for (const listener of this.#listeners) listener();
  }
}

interface SeenState {
  readonly total: number;
  /** Pieces that have not been on screen yet. */
  readonly left: number;
}

const SeenContext = createContext<SeenTracker | undefined>(undefined);

/** Around one version of a call; another digest needs another one (`key`). */
export function SeenProvider({ children }: { readonly children: ReactNode }) {
  const tracker = useMemo(() => new SeenTracker(), []);
  return <SeenContext value={tracker}>{children}</SeenContext>;
}

export function useSeen(): SeenState & { readonly showNext: () => void } {
  const tracker = use(SeenContext);
  if (tracker === undefined) throw new Error('outside of a SeenProvider');
  const state = useSyncExternalStore(tracker.subscribe, tracker.state);
  return { ...state, showNext: () => tracker.showNext() };
}

/** A piece of what is decided on: approving waits until it has been on screen. */
export function Piece({ children, className }: { readonly children: ReactNode; readonly className?: string }) {
  const tracker = use(SeenContext);
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => (element.current === null ? undefined : tracker?.add(element.current)), [tracker]);
  return (
    <div ref={element} className={className} data-piece="">
      {children}
    </div>
  );
}
