import { useId, useRef, type KeyboardEvent, type ReactNode } from 'react';

export interface TabView<Id extends string> {
  readonly id: Id;
  readonly name: string;
  readonly content: ReactNode;
}

const STEPS: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowRight: 1 };

/**
 * Views of which one is shown (WAI-ARIA tabs pattern, chosen as the focus moves). All stay in the document, so that what
 * was typed into one is there after another was read.
 */
export function Tabs<Id extends string>({
  label,
  views,
  selected,
  onSelect,
}: {
  readonly label: string;
  readonly views: readonly TabView<Id>[];
  readonly selected: Id;
  readonly onSelect: (id: Id) => void;
}) {
  const prefix = useId();
  const list = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent): void => {
    const step = STEPS[event.key];
    if (step === undefined) return;
    const at = views.findIndex(({ id }) => id === selected);
    const next = views[(at + step + views.length) % views.length];
    if (next === undefined) return;
    onSelect(next.id);
    list.current?.querySelector<HTMLElement>(`[data-tab="${next.id}"]`)?.focus();
  };
  return (
    <>
      <div ref={list} role="tablist" aria-label={label} className="tabs" onKeyDown={move}>
        {views.map(({ id, name }) => (
          <button
            key={id}
            type="button"
            role="tab"
            id={`${prefix}-${id}`}
            data-tab={id}
            className="tab"
            aria-selected={id === selected}
            aria-controls={`${prefix}-${id}-view`}
            tabIndex={id === selected ? 0 : -1}
            onClick={() => onSelect(id)}
          >
            {name}
          </button>
        ))}
      </div>
      {views.map(({ id, content }) => (
        <div
          key={id}
          role="tabpanel"
          id={`${prefix}-${id}-view`}
          aria-labelledby={`${prefix}-${id}`}
          hidden={id !== selected}
        >
          {content}
        </div>
      ))}
    </>
  );
}
