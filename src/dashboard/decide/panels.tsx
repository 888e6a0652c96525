import { useRef, useState, type ReactNode, type RefObject } from 'react';
import { Link } from '@tanstack/react-router';
import { Button, FieldError, Input, Label, TextArea, TextField } from 'react-aria-components';
import type { Review } from '../../contract/review.ts';
import { useConnection } from '../data/connection.ts';
import { foot } from '../review/seen.tsx';
import { useEarlier } from '../review/use-shown.ts';
import { ClassBadge } from '../ui/badge.tsx';
import { words } from '../words.ts';
import { readAnswer } from './choices.ts';
import { useKept, type KeptPlace } from './kept.ts';
import { SendHint } from './send-hint.tsx';
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
    <Panel
      title={words.panels.approve}
      submit={words.panels.yes}
      submitRef={yes}
      isPending={deciding.isPending}
      onClose={onClose}
      onSubmit={send}
    >
      <p>
        {review.kind === 'call' && <ClassBadge value={review.class} />} {words.panels.exactly(review.revision)}
      </p>
      <NotCompared review={review} />
      <ConfirmRepeats repeats={deciding.repeats} deciding={deciding} />
      <OptionalComment value={comment} onChange={setComment} />
    </Panel>
  );
}

/** A warning beside the buttons: this version could not be compared with the one before. */
export function NotCompared({ review }: { readonly review: Review }) {
  const { state } = useEarlier(review);
  if (state !== 'failed' && state !== 'gone') return null;
  return (
    <p className="decide-unseen" role="status">
      {words.decide.notCompared(review.revision)}
    </p>
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
        {words.panels.repeats}{' '}
        {repeats.map((reviewId) => (
          <span key={reviewId}>
            <Link to="/reviews/$reviewId" params={{ reviewId }}>
              {reviewId}
            </Link>{' '}
          </span>
        ))}
      </p>
      <label>
        <input type="checkbox" required checked={confirmed} onChange={(event) => confirm(event.target.checked)} />{' '}
        {words.panels.twice}
      </label>
    </div>
  );
}

/** A rejection and a request for changes need a reason. Stopping an approved call does not: time counts there. */
export function CommentPanel({
  type,
  deciding,
  place,
  onClose,
}: PanelProps & { readonly type: keyof typeof words.panels.comments }) {
  const [comment, setComment] = useKept(place, `${type === 'stop' ? 'reject' : type} comment`, '');
  const [tried, setTried] = useState(false);
  const { title, label, submit } = words.panels.comments[type];
  const missing = comment.trim() === '' && type !== 'stop';
  const send = (): void => {
    setTried(true);
    if (!missing) deciding.send({ type: type === 'stop' ? 'reject' : type, ...commentOf(comment) });
  };
  const style = type === 'revise' ? 'button-main' : 'button-bad';
  return (
    <Panel {...{ title, submit, style, onClose }} isPending={deciding.isPending} onSubmit={send}>
      <CommentArea
        label={label}
        presets={type === 'stop' ? undefined : type}
        value={comment}
        onChange={setComment}
        isMissing={tried && missing}
        autoFocus
      />
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
    <Panel
      title={words.panels.answer}
      submit={words.panels.sendAnswer}
      isPending={deciding.isPending}
      onClose={onClose}
      onSubmit={send}
    >
      <TextField
        value={text}
        onChange={setText}
        isInvalid={tried && response === undefined}
        validationBehavior="aria"
        autoFocus
      >
        <Label>{words.panels.yourAnswer}</Label>
        <TextArea rows={3} />
        <FieldError>{text.trim() === '' ? words.panels.answerNeeded : words.panels.notJson}</FieldError>
      </TextField>
      <label>
        <input type="checkbox" checked={asJson} onChange={(event) => setAsJson(event.target.checked)} />{' '}
        {words.panels.isJson}
      </label>
    </Panel>
  );
}

/** The longest comment that the api accepts. */
const LONGEST = 4_000;

interface CommentProps {
  readonly value: string;
  readonly onChange: (comment: string) => void;
}

/** On one line, beside a yes. */
export function OptionalComment({ value, onChange }: CommentProps) {
  return (
    <TextField value={value} onChange={onChange} maxLength={LONGEST}>
      <Label>{words.panels.comment}</Label>
      <Input />
    </TextField>
  );
}

/** With comments that are often needed, each a press away. */
export function CommentArea({
  label,
  presets,
  value,
  onChange,
  isMissing,
  autoFocus,
}: CommentProps & {
  readonly label: string;
  readonly presets: keyof typeof words.decide.presets | undefined;
  readonly isMissing: boolean;
  readonly autoFocus: boolean;
}) {
  return (
    <>
      {presets !== undefined && (
        <div className="presets">
          {words.decide.presets[presets].map((preset) => (
            <Button key={preset} className="button button-small" onPress={() => onChange(preset)}>
              {preset}
            </Button>
          ))}
        </div>
      )}
      <TextField
        value={value}
        onChange={onChange}
        maxLength={LONGEST}
        isInvalid={isMissing}
        validationBehavior="aria"
        autoFocus={autoFocus}
      >
        <Label>{label}</Label>
        <TextArea rows={2} />
        <FieldError>{words.panels.commentNeeded}</FieldError>
      </TextField>
    </>
  );
}

interface FrameProps {
  readonly title: string;
  /** What its button says. */
  readonly submit: string;
  readonly submitRef?: RefObject<HTMLButtonElement | null>;
  readonly style?: string;
  readonly className?: string;
  readonly isPending: boolean;
  readonly onClose: () => void;
  readonly onSubmit: () => void;
  readonly children: ReactNode;
}

/** What every decision is finished in, at the foot of the screen. */
export function Panel({ title, submit, submitRef, style = 'button-main', className = '', ...rest }: FrameProps) {
  const { isPending, onClose, onSubmit, children } = rest;
  const { isSettled, formProps } = useSettledForm(onSubmit, submitRef);
  const offline = useConnection() === 'offline';
  return (
    <form ref={foot} className={`decide ${className}`} aria-label={title} {...formProps}>
      {children}
      {offline && <p>{words.decide.offline}</p>}
      <div className="decide-row">
        <Button
          ref={submitRef}
          type="submit"
          className={`button ${style}`}
          isDisabled={!isSettled || offline || isPending}
        >
          {submit}
        </Button>
        <Button className="button" onPress={onClose} isDisabled={isPending}>
          {words.panels.cancel}
        </Button>
      </div>
      <SendHint />
    </form>
  );
}

export function commentOf(text: string): { readonly comment?: string } {
  const comment = text.trim();
  return comment === '' ? {} : { comment };
}
