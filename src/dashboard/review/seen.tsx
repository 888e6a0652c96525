import { createContext, use, useEffect, useMemo, useRef, useSyncExternalStore, type ReactNode } from 'react';
import { addSpan, coversAll, type Spans } from './spans.ts';

/** Height of what lies over the page at its top, in px: what is behind it is not on screen. */
const COVERED_TOP = 52;
/** What scrolls sideways by itself: what is outside of it is not on screen either. */
const SIDEWAYS = '.table-box';

/** Which pieces of what is decided on have been on screen, whole: at once, or one part after the other. */
class SeenTracker {
  readonly #pieces = new Set<Element>();
  readonly #waiting = new Map<Element, Spans>();
  readonly #near = new Set<Element>();
  readonly #listeners = new Set<() => void>();
  #frame = 0;
  #observer: IntersectionObserver | undefined;
  #snapshot: SeenState = { total: 0, left: 0 };

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  readonly state = (): SeenState => this.#snapshot;

  /** Looks again whenever what is on screen may be something else. */
  watch(): () => void {
    const look = (): void => {
      this.#frame ||= requestAnimationFrame(() => {
        this.#frame = 0;
        this.#look();
      });
    };
    let width = innerWidth;
    const resized = (): void => {
      look();
      // A phone's address bar comes and goes: that alone moves no line.
      if (innerWidth === width) return;
      width = innerWidth;
      // Parts are kept in px, and lines break elsewhere now.
      for (const element of this.#waiting.keys()) this.#waiting.set(element, []);
    };
    // Captured: scrolling inside of the page does not bubble.
    document.addEventListener('scroll', look, { capture: true, passive: true });
    window.addEventListener('resize', resized);
    const stop = whenFootChanges(look);
    return () => {
      document.removeEventListener('scroll', look, { capture: true });
      window.removeEventListener('resize', resized);
      stop();
      cancelAnimationFrame(this.#frame);
      this.#frame = 0;
    };
  }

  add(element: Element): () => void {
    this.#observer ??= new IntersectionObserver((entries) => this.#take(entries), {
      threshold: [0, 0.25, 0.5, 0.75, 1],
    });
    this.#waiting.set(element, []);
    this.#pieces.add(element);
    this.#observer.observe(element);
    this.#changed();
    return () => {
      this.#observer?.unobserve(element);
      this.#waiting.delete(element);
      this.#near.delete(element);
      this.#pieces.delete(element);
      this.#changed();
    };
  }

  /** From the top of the page to its end, in at most so many stretches: whether each has been on screen, whole. */
  stretches(most: number): readonly boolean[] {
    const pieces = [...this.#pieces].toSorted((a, b) =>
      a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1,
    );
    const count = Math.min(most, pieces.length);
    const seen = Array.from({ length: count }, () => true);
    for (const [index, piece] of pieces.entries()) {
      if (this.#waiting.has(piece)) seen[Math.floor((index * count) / pieces.length)] = false;
    }
    return seen;
  }

  /** Brings the first piece that was not on screen to its top, or what is left of it. */
  showNext(): void {
    // As they stand on the page: what was loaded later was added last, wherever it stands.
    const places = [...this.#waiting.keys()].map((element) => ({ element, box: element.getBoundingClientRect() }));
    const [first] = places.toSorted(({ box: a }, { box: b }) => a.top - b.top || a.left - b.left);
    const next = first?.element;
    if (next === undefined) return;
    next.scrollIntoView({ block: 'start', behavior: 'instant' });
    const seen = this.#waiting.get(next)?.find(([from]) => from <= 1)?.[1] ?? 0;
    // Once more with a line in common, so that nothing is lost between the two.
    if (seen > 32) window.scrollBy({ top: seen - 32, behavior: 'instant' });
  }

  #take(entries: readonly IntersectionObserverEntry[]): void {
    for (const { isIntersecting, target } of entries) {
      if (isIntersecting && this.#waiting.has(target)) this.#near.add(target);
      else this.#near.delete(target);
    }
    this.#look();
  }

  #look(): void {
    let changed = false;
    for (const element of this.#near) {
      const part = partOnScreen(element);
      if (part === undefined) continue;
      const spans = addSpan(this.#waiting.get(element) ?? [], part.from, part.to);
      this.#waiting.set(element, spans);
      if (!coversAll(spans, part.height)) continue;
      this.#observer?.unobserve(element);
      this.#near.delete(element);
      changed = this.#waiting.delete(element) || changed;
    }
    if (changed) this.#changed();
  }

  #changed(): void {
    this.#snapshot = { total: this.#pieces.size, left: this.#waiting.size };
    for (const listener of this.#listeners) listener();
  }
}

interface SeenState {
  readonly total: number;
  /** Pieces that have not been on screen yet. */
  readonly left: number;
}

/** Undefined: none of it, or not in its whole width. */
function partOnScreen(
  element: Element,
): { readonly from: number; readonly to: number; readonly height: number } | undefined {
  const { top, bottom, left, right, width, height } = element.getBoundingClientRect();
  const box = element.closest(SIDEWAYS)?.getBoundingClientRect();
  const shownWidth = Math.min(right, innerWidth, box?.right ?? right) - Math.max(left, 0, box?.left ?? left);
  const from = Math.max(top, COVERED_TOP) - top;
  const to = Math.min(bottom, innerHeight - footPx) - top;
  return to < from || shownWidth < width - 1 ? undefined : { from, to, height };
}

const SeenContext = createContext<SeenTracker | undefined>(undefined);

/** Around one version of a call; another digest needs another one (`key`). */
export function SeenProvider({ children }: { readonly children: ReactNode }) {
  const tracker = useMemo(() => new SeenTracker(), []);
  useEffect(() => tracker.watch(), [tracker]);
  return <SeenContext value={tracker}>{children}</SeenContext>;
}

export function useSeen() {
  const tracker = use(SeenContext);
  if (tracker === undefined) throw new Error('outside of a SeenProvider');
  const state = useSyncExternalStore(tracker.subscribe, tracker.state);
  return { ...state, showNext: () => tracker.showNext(), stretches: (most: number) => tracker.stretches(most) };
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

/** What lies over the page at the bottom (buttons to decide with): as high as it is now, in px. */
let footPx = 0;
const footListeners = new Set<() => void>();
const feet = new Set<Element>();
let footObserver: ResizeObserver | undefined;

function whenFootChanges(listener: () => void): () => void {
  footListeners.add(listener);
  return () => void footListeners.delete(listener);
}

/** `ref` of whatever covers the foot of the page. What is behind it is not on screen. */
export function foot(element: Element | null): (() => void) | undefined {
  if (element === null) return undefined;
  footObserver ??= new ResizeObserver(measureFoot);
  feet.add(element);
  footObserver.observe(element);
  measureFoot();
  return () => {
    feet.delete(element);
    footObserver?.unobserve(element);
    measureFoot();
  };
}

/** Beside the page, on a wide screen, it covers nothing. */
function heightOver(element: Element): number {
  return getComputedStyle(element).position === 'fixed' ? element.getBoundingClientRect().height : 0;
}

function measureFoot(): void {
  const next = Math.max(0, ...[...feet].map(heightOver));
  if (next === footPx) return;
  footPx = next;
  // So that the end of the page can be scrolled out from behind it.
  document.documentElement.style.setProperty('--foot', `${Math.ceil(next)}px`);
  for (const listener of footListeners) listener();
}
