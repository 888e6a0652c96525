import { useState } from 'react';
import { Button, FieldError, Label, TextArea, TextField } from 'react-aria-components';
import { foot } from '../review/foot.ts';
import { readAnswer } from './answer.ts';
import type { PanelProps } from './confirm-panel.tsx';

/** In-flow questions can be answered instead of approved: the workflow receives the text, or the JSON. */
export function RespondPanel({ deciding, onClose }: PanelProps) {
  const [text, setText] = useState('');
  const [tried, setTried] = useState(false);
  const [asJson, setAsJson] = useState(false);
  const response = readAnswer(text, asJson);
  return (
    <form
      ref={foot}
      className="decide decide-panel"
      aria-label="Answer"
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        if (response !== undefined) deciding.send({ type: 'respond', response });
      }}
    >
      <TextField
        value={text}
        onChange={setText}
        isInvalid={tried && response === undefined}
        validationBehavior="aria"
        autoFocus
      >
        <Label>Your answer to the workflow</Label>
        <TextArea rows={3} />
        <FieldError>{text.trim() === '' ? 'An answer is needed.' : 'This is not JSON that can be sent.'}</FieldError>
      </TextField>
      <label>
        <input type="checkbox" checked={asJson} onChange={(event) => setAsJson(event.target.checked)} /> The answer is
        JSON
      </label>
      <div className="decide-row">
        <Button type="submit" className="button button-main" isDisabled={deciding.isPending}>
          Send the answer
        </Button>
        <Button className="button" onPress={onClose} isDisabled={deciding.isPending}>
          Cancel
        </Button>
      </div>
    </form>
  );
}
