import { useEffect, useRef, useState } from 'react';
import { Button, Input, Label, TextField } from 'react-aria-components';
import { NotCompared } from '../review/changes.tsx';
import { foot } from '../review/foot.ts';
import type { Review } from '../../contract/review.ts';
import { ClassBadge } from '../ui/badge.tsx';
import type { Deciding } from './use-decide.ts';

export interface PanelProps {
  readonly review: Review;
  readonly deciding: Deciding;
  readonly onClose: () => void;
}

/** The last step before a yes. What is approved stays on screen above it; Enter sends it. */
export function ConfirmPanel({ review, deciding, onClose }: PanelProps) {
  const [comment, setComment] = useState('');
  const yes = useRef<HTMLButtonElement>(null);
  useEffect(() => yes.current?.focus(), []);
  const send = (): void =>
    deciding.send({ type: 'approve', ...(comment.trim() === '' ? {} : { comment: comment.trim() }) });
  return (
    <form
      ref={foot}
      className="decide decide-panel"
      aria-label="Approve"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <p>
        <ClassBadge value={review.class} /> Approve exactly what is shown above, version {review.revision}?
      </p>
      <NotCompared review={review} />
      <TextField value={comment} onChange={setComment} maxLength={4_000}>
        <Label>Comment (optional)</Label>
        <Input />
      </TextField>
      <div className="decide-row">
        <Button ref={yes} type="submit" className="button button-main" isDisabled={deciding.isPending}>
          Yes, approve
        </Button>
        <Button className="button" onPress={onClose} isDisabled={deciding.isPending}>
          Cancel
        </Button>
      </div>
    </form>
  );
}
