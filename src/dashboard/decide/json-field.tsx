import { useState, type ReactNode } from 'react';
import { FieldError, Label, TextArea, TextField } from 'react-aria-components';
import type { JsonObject } from '../../contract/json.ts';

/** Arguments of a tool without a schema, as JSON. */
export function JsonField({
  value,
  onDone,
  children,
}: {
  readonly value: JsonObject;
  readonly onDone: (value: JsonObject) => void;
  readonly children: ReactNode;
}) {
  const [text, setText] = useState(() => JSON.stringify(value, null, 2));
  const [isWrong, setWrong] = useState(false);
  return (
    <form
      className="schema-form"
      onSubmit={(event) => {
        event.preventDefault();
        const parsed = parseObject(text);
        setWrong(parsed === undefined);
        if (parsed !== undefined) onDone(parsed);
      }}
    >
      <TextField value={text} onChange={setText} isInvalid={isWrong} validationBehavior="aria" autoFocus>
        <Label>Arguments as JSON</Label>
        <TextArea rows={12} className="mono" />
        <FieldError>This is not a JSON object.</FieldError>
      </TextField>
      {children}
    </form>
  );
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}
