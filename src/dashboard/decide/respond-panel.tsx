import { useState } from 'react';
import { Button, FieldError, Label, TextArea, TextField } from 'react-aria-components';
import { foot } from '../review/foot.ts';
import type { PanelProps } from './confirm-panel.tsx';

/** In-flow questions can be answered instead of approved: the workflow receives the text. */
export function RespondPanel({ deciding, onClose }: PanelProps) {
  const [text, setText] = useState('');
  const [tried, setTried] = useState(false);
  return (
    <form
      ref={foot}
      className="decide decide-panel"
      aria-label="Answer"
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        if (text.trim() !== '') deciding.send({ type: 'respond', response: text });
      }}
    >
      <TextField
        value={text}
        onChange={setText}
        isInvalid={tried && text.trim() === ''}
        validationBehavior="aria"
        autoFocus
      >
        <Label>Your answer to the workflow</Label>
        <TextArea rows={3} />
        <FieldError>An answer is needed.</FieldError>
      </TextField>
      <div className="decide-row">
        <Button type="submit" className="button button-main" isDisabled={deciding.isPending}>
          Send the answer
        </Button>
        <Button className="button" onPress={onClose} isDisabled={deciding.isPending}>
          Not yet
        </Button>
      </div>
    </form>
  );
}
