import { useState } from 'react';
import { Button, FieldError, Label, TextArea, TextField } from 'react-aria-components';
import { foot } from '../review/foot.ts';
import { PRESETS } from './presets.ts';
import type { PanelProps } from './confirm-panel.tsx';

const WORDS = {
  reject: { title: 'Reject', label: 'Why not? (the proposer reads this)', send: 'Reject it' },
  revise: { title: 'Ask for changes', label: 'What should be different? (the proposer reads this)', send: 'Send back' },
} as const;

/** A no and a "not like this" carry a reason. */
export function CommentPanel({
  type,
  deciding,
  onClose,
}: PanelProps & {
  readonly type: 'reject' | 'revise';
}) {
  const [comment, setComment] = useState('');
  const [tried, setTried] = useState(false);
  const words = WORDS[type];
  const missing = comment.trim() === '';
  return (
    <form
      ref={foot}
      className="decide decide-panel"
      aria-label={words.title}
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        if (!missing) deciding.send({ type, comment: comment.trim() });
      }}
    >
      <div className="presets">
        {PRESETS[type].map((preset) => (
          <Button key={preset} className="button button-small" onPress={() => setComment(preset)}>
            {preset}
          </Button>
        ))}
      </div>
      <TextField
        value={comment}
        onChange={setComment}
        maxLength={4_000}
        isInvalid={tried && missing}
        validationBehavior="aria"
        autoFocus
      >
        <Label>{words.label}</Label>
        <TextArea rows={2} onKeyDown={sendByControlEnter} />
        <FieldError>A comment is needed.</FieldError>
      </TextField>
      <div className="decide-row">
        <Button
          type="submit"
          className={`button ${type === 'reject' ? 'button-bad' : 'button-main'}`}
          isDisabled={deciding.isPending}
        >
          {words.send}
        </Button>
        <Button className="button" onPress={onClose} isDisabled={deciding.isPending}>
          Not yet
        </Button>
      </div>
    </form>
  );
}

function sendByControlEnter(event: React.KeyboardEvent<HTMLTextAreaElement>): void {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) event.currentTarget.form?.requestSubmit();
}
