import type { Json } from '../../contract/json.ts';
import { writeJson } from '../../contract/exact-number.ts';
import { parseStrictJson } from '../../domain/json/strict-json.ts';
import { hasHidden } from '../ui/visible.ts';
import { Visible } from '../ui/visible.tsx';
import { changeKind, draftOf, editText, readDraft, type Draft, type Kind } from './draft.ts';
import type { Hints } from './schema-hints.ts';
import { words } from '../words.ts';

interface ControlProps {
  readonly draft: Exclude<Draft, { kind: 'list' | 'object' | 'sealed' }>;
  readonly hints: Hints;
  readonly onChange: (draft: Draft) => void;
  readonly control: { readonly id: string; readonly 'aria-invalid': boolean; readonly 'aria-describedby': string };
}

/** Where one value is typed or chosen. */
export function Control({ draft, hints, onChange, control }: ControlProps) {
  if (hints.choices !== undefined) {
    return <Choices {...{ draft, onChange, control }} choices={hints.choices} />;
  }
  switch (draft.kind) {
    case 'text':
      return (
        <>
          {/* Never an input: it would drop line breaks. */}
          <textarea
            {...control}
            className="mono edit-text"
            rows={Math.min(14, draft.text.split(/\r\n?|\n/).length)}
            value={draft.text}
            spellCheck={false}
            autoComplete="off"
            onChange={({ target }) => onChange({ kind: 'text', text: editText(draft.text, target.value) })}
          />
          <Unseen text={draft.text} />
        </>
      );
    case 'number':
      return (
        // Not of type `number`: a browser hands out what it made of the text, not the text.
        <input
          {...control}
          className="mono edit-number"
          inputMode="decimal"
          value={draft.text}
          spellCheck={false}
          autoComplete="off"
          onChange={({ target }) => onChange({ ...draft, text: target.value })}
        />
      );
    case 'boolean':
      return <Choices {...{ draft, onChange, control }} choices={[true, false]} />;
    case 'null':
      return <output {...control}>{words.form.null}</output>;
    default:
      return draft satisfies never;
  }
}

/** A field shows text as it is drawn; what would not be seen in it, or be taken for something else, is marked below. */
function Unseen({ text }: { readonly text: string }) {
  if (!hasHidden(text)) return null;
  return (
    <pre className="code edit-unseen" role="group" aria-label={words.form.hidden}>
      <Visible text={text} lines />
    </pre>
  );
}

/** The values that it may have; the one that it has is among them, whatever the schema says. */
function Choices({
  draft,
  choices,
  onChange,
  control,
}: Pick<ControlProps, 'draft' | 'onChange' | 'control'> & { readonly choices: readonly Json[] }) {
  const current = writeJson(readDraft(draft).value);
  const written = [...new Set([...choices.map((choice) => writeJson(choice)), current])];
  return (
    <select
      {...control}
      value={current}
      onChange={({ target }) => onChange(draftOf(JSON.parse(target.value) as Json))}
      className="edit-choice"
    >
      {written.map((choice) => (
        <option key={choice} value={choice}>
          {choiceText(choice)}
        </option>
      ))}
    </select>
  );
}

/** Text stands without quotes, unless it would look like another value. */
function choiceText(choice: string): string {
  const [, text] = /^"(.+)"$/.exec(choice) ?? [];
  return text === undefined || parseStrictJson(text).ok ? choice : text;
}

/** Shown where there is a choice of kinds, and none of values. */
export function KindSelect({
  draft,
  hints,
  onChange,
  labelId,
}: {
  readonly draft: Draft;
  readonly hints: Hints;
  readonly onChange: (draft: Draft) => void;
  readonly labelId: string;
}) {
  if (draft.kind === 'sealed' || hints.choices !== undefined) return null;
  const kinds: readonly Kind[] = hints.kinds.includes(draft.kind) ? hints.kinds : [draft.kind, ...hints.kinds];
  if (kinds.length < 2) return null;
  return (
    <select
      className="edit-kind"
      aria-label={words.form.kind}
      aria-describedby={labelId}
      value={draft.kind}
      onChange={({ target }) => onChange(changeKind(draft, target.value as Kind))}
    >
      {kinds.map((kind) => (
        <option key={kind} value={kind}>
          {words.form.kinds[kind]}
        </option>
      ))}
    </select>
  );
}
