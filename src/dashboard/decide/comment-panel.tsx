import { useState } from 'react';
import { Button, FieldError, Label, TextArea, TextField } from 'react-aria-components';
import { foot } from '../review/foot.ts';
import { PRESETS } from './choices.ts';
import type { PanelProps } from './confirm-panel.tsx';

const WORDS = {
  reject: { title: 'Reject', label: 'Why not? (the proposer reads this)', send: 'Reject it' },
  stop: { title: 'Stop', label: 'Why? (optional; kept in the record)', send: 'Stop it before it runs' },
  revise: { title: 'Ask for changes', label: 'What should be different? (the proposer reads this)', send: 'Send back' },
} as const;

/** A rejection and a request for changes need a reason. Stopping an approved call does not: time counts there. */
export function CommentPanel({
  type,
  deciding,
  onClose,
}: PanelProps & {
  readonly type: 'reject' | 'revise' | 'stop';
}) {
  const [comment, setComment] = useState('');
  const [tried, setTried] = useState(false);
  const words = WORDS[type];
  const isStop = type === 'stop';
  const text = comment.trim();
  const missing = text === '' && !isStop;
  return (
    <form
      ref={foot}
      className="decide decide-panel"
      aria-label={words.title}
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        if (!missing) deciding.send({ type: isStop ? 'reject' : type, ...(text === '' ? {} : { comment: text }) });
      }}
    >
      {!isStop && (
        <div className="presets">
          {PRESETS[type].map((preset) => (
            <Button key={preset} className="button button-small" onPress={() => setComment(preset)}>
              {preset}
            </Button>
          ))}
        </div>
      )}
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
          className={`button ${type === 'revise' ? 'button-main' : 'button-bad'}`}
          isDisabled={deciding.isPending}
        >
          {words.send}
        </Button>
        <Button className="button" onPress={onClose} isDisabled={deciding.isPending}>
          Cancel
        </Button>
      </div>
    </form>
  );
}

function sendByControlEnter(event: React.KeyboardEvent<HTMLTextAreaElement>): void {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) event.currentTarget.form?.requestSubmit();
}
