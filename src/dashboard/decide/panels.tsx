import { useRef, useState, type ReactNode, type RefObject } from 'react';
import { Link } from '@tanstack/react-router';
import { Button, FieldError, Input, Label, TextArea, TextField } from 'react-aria-components';
import type { Review } from '../../contract/review.ts';
import { useConnection } from '../data/connection.ts';
import { NotCompared } from './not-compared.tsx';
import { foot } from '../review/seen.tsx';
import { ClassBadge } from '../ui/badge.tsx';
import { words } from '../words.ts';
import { PRESETS, readAnswer } from './choices.ts';
import { useKept, type KeptPlace } from './kept.ts';
import { useSettledForm } from './settled-form.ts';
import type { Deciding } from './use-decide.ts';

export interface PanelProps {
  readonly review: Review;
  readonly deciding: Deciding;
  /** Where what is typed is kept. */
  readonly place: KeptPlace;
  readonly onClose: () => void;
}

/** The last step before a yes. What is approved stays on screen above it; Enter sends it. */
export function ConfirmPanel({ review, deciding, place, onClose }: PanelProps) {
  const [comment, setComment] = useKept(place, 'approve comment', '');
  const yes = useRef<HTMLButtonElement>(null);
  const send = (): void => deciding.send({ type: 'approve', ...commentOf(comment) });
  return (
    <Panel title="Approve" submit="Yes, approve" submitRef={yes} {...{ deciding, onClose }} onSubmit={send}>
      <p>
        <ClassBadge value={review.class} /> Approve exactly what is shown above, version {review.revision}?
      </p>
      <NotCompared review={review} />
      <ConfirmRepeats repeats={deciding.repeats} deciding={deciding} />
      <TextField value={comment} onChange={setComment} maxLength={4_000}>
        <Label>Comment (optional)</Label>
        <Input />
      </TextField>
    </Panel>
  );
}

/** An equal call waits or has run: a yes has to say that twice is meant. */
export function ConfirmRepeats({
  repeats,
  deciding,
}: Pick<PanelProps, 'deciding'> & { readonly repeats: readonly string[] }) {
  const { confirmed, confirm } = deciding;
  if (repeats.length === 0) return null;
  return (
    <div className="note note-warn">
      <p>
        An equal call waits or has run:{' '}
        {repeats.map((reviewId) => (
          <span key={reviewId}>
            <Link to="/reviews/$reviewId" params={{ reviewId }}>
              {reviewId}
            </Link>{' '}
          </span>
        ))}
      </p>
      <label>
        <input type="checkbox" required checked={confirmed} onChange={(event) => confirm(event.target.checked)} /> Twice
        is meant: make it again
      </label>
    </div>
  );
}

const COMMENT_WORDS = {
  reject: { title: 'Reject', label: 'Why not? (the proposer reads this)', submit: 'Reject it' },
  stop: { title: 'Stop', label: 'Why? (optional; kept in the record)', submit: 'Stop it before it runs' },
  revise: {
    title: 'Ask for changes',
    label: 'What should be different? (the proposer reads this)',
    submit: 'Send back',
  },
} as const;

/** A rejection and a request for changes need a reason. Stopping an approved call does not: time counts there. */
export function CommentPanel({
  type,
  deciding,
  place,
  onClose,
}: PanelProps & { readonly type: keyof typeof COMMENT_WORDS }) {
  const [comment, setComment] = useKept(place, `${type === 'stop' ? 'reject' : type} comment`, '');
  const [tried, setTried] = useState(false);
  const { title, label, submit } = COMMENT_WORDS[type];
  const missing = comment.trim() === '' && type !== 'stop';
  const send = (): void => {
    setTried(true);
    if (!missing) deciding.send({ type: type === 'stop' ? 'reject' : type, ...commentOf(comment) });
  };
  const style = type === 'revise' ? 'button-main' : 'button-bad';
  return (
    <Panel {...{ title, submit, style, deciding, onClose }} onSubmit={send}>
      {type !== 'stop' && <Presets type={type} onChoose={setComment} />}
      <TextField
        value={comment}
        onChange={setComment}
        maxLength={4_000}
        isInvalid={tried && missing}
        validationBehavior="aria"
        autoFocus
      >
        <Label>{label}</Label>
        <TextArea rows={2} />
        <FieldError>A comment is needed.</FieldError>
      </TextField>
    </Panel>
  );
}

/** In-flow questions can be answered instead of approved: the workflow receives the text, or the JSON. */
export function RespondPanel({ deciding, place, onClose }: PanelProps) {
  const [text, setText] = useKept(place, 'respond text', '');
  const [tried, setTried] = useState(false);
  const [asJson, setAsJson] = useKept(place, 'respond asJson', false);
  const response = readAnswer(text, asJson);
  const send = (): void => {
    setTried(true);
    if (response !== undefined) deciding.send({ type: 'respond', response });
  };
  return (
    <Panel title="Answer" submit="Send the answer" {...{ deciding, onClose }} onSubmit={send}>
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
    </Panel>
  );
}

/** Comments that are often needed, each a press away. */
export function Presets({
  type,
  onChoose,
}: {
  readonly type: keyof typeof PRESETS;
  readonly onChoose: (comment: string) => void;
}) {
  return (
    <div className="presets">
      {PRESETS[type].map((preset) => (
        <Button key={preset} className="button button-small" onPress={() => onChoose(preset)}>
          {preset}
        </Button>
      ))}
    </div>
  );
}

interface FrameProps extends Omit<PanelProps, 'review' | 'place'> {
  readonly title: string;
  /** What its button says. */
  readonly submit: string;
  readonly submitRef?: RefObject<HTMLButtonElement | null>;
  readonly style?: string;
  readonly onSubmit: () => void;
  readonly children: ReactNode;
}

/** What every decision is finished in, at the foot of the screen. */
function Panel({ title, submit, submitRef, style = 'button-main', deciding, onClose, onSubmit, children }: FrameProps) {
  const { isSettled, formProps } = useSettledForm(onSubmit, submitRef);
  const offline = useConnection() === 'offline';
  return (
    <form ref={foot} className="decide decide-panel" aria-label={title} {...formProps}>
      {children}
      {offline && <p>{words.decide.offline}</p>}
      <div className="decide-row">
        <Button
          ref={submitRef}
          type="submit"
          className={`button ${style}`}
          isDisabled={!isSettled || offline || deciding.isPending}
        >
          {submit}
        </Button>
        <Button className="button" onPress={onClose} isDisabled={deciding.isPending}>
          Cancel
        </Button>
      </div>
    </form>
  );
}

export function commentOf(text: string): { readonly comment?: string } {
  const comment = text.trim();
  return comment === '' ? {} : { comment };
}
