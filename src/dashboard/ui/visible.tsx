import { splitVisible, type TextPart } from './visible.ts';
import { words } from '../words.ts';

/** Text as text, with everything in it that would not be seen, or that would be taken for something else, marked. */
export function Visible({ text, lines = false }: { readonly text: string; readonly lines?: boolean }) {
  return splitVisible(text, { keepLines: lines }).map((part, index) => (
    // Their order is their identity: the text of a part never changes in place.
    <PartView key={index} part={part} />
  ));
}

export function PartView({ part }: { readonly part: TextPart }) {
  switch (part.kind) {
    case 'plain':
      return part.text;
    case 'hidden':
      return (
        <span className="mark-hidden" title={`${part.code} ${part.name}`}>
          {part.code}
        </span>
      );
    case 'confusable':
      return (
        <span className="mark-confusable" title={words.characters.looksLike(part.code, part.looksLike)}>
          {part.text}
          <span className="mark-code">{part.code}</span>
        </span>
      );
    default:
      return part satisfies never;
  }
}
