import { useEffect, useMemo, useRef, useState } from 'react';
import { useQuery } from '@tanstack/react-query';
import {
  Button,
  Dialog,
  FieldError,
  Heading,
  Label,
  Modal,
  ModalOverlay,
  TextArea,
  TextField,
} from 'react-aria-components';
import type { JsonObject } from '../../contract/json.ts';
import { findInexact, type ArgumentError } from '../../contract/exact.ts';
import { isJsonObject } from '../../domain/json/pointer.ts';
import { parseStrictJson } from '../../domain/json/strict-json.ts';
import { sealedPointers, sealSchema } from '../../domain/seal-binding.ts';
import { toolQuery } from '../data/queries.ts';
import { diffJson } from '../../domain/show/changes.ts';
import { ChangesView } from '../ui/changes.tsx';
import { Visible } from '../ui/visible.tsx';
import { Failure, Loading } from '../ui/states.tsx';
import { ArgumentsFields } from './arguments-form.tsx';
import { draftOf, fitsFields, readDraft, type ObjectDraft } from './draft.ts';
import { useKept } from './kept.ts';
import { commentOf, ConfirmRepeats, OptionalComment, type PanelProps } from './panels.tsx';
import { hintsOf } from './schema-hints.ts';
import { SendHint, sendByControlEnter } from './send-hint.tsx';
import { useSettledForm } from './settled-form.ts';
import { findSchemaErrors } from './validator.ts';
import { words } from '../words.ts';

/** Approve with other arguments of the same tool: a form first, then what it changes, then a yes. */
export function EditPanel({ review, deciding, place, onClose }: PanelProps) {
  const before = review.call.arguments ?? {};
  const isCall = review.kind === 'call';
  const tool = useQuery({ ...toolQuery(review.call.tool), enabled: isCall });
  const [edited, setEdited] = useState<JsonObject>();
  const [draft, setDraft] = useKept<EditState | undefined>(place, 'edit draft', undefined);
  const schema = isCall ? tool.data?.arguments : null;
  return (
    <ModalOverlay isOpen onOpenChange={(open) => !open && onClose()} className="overlay">
      <Modal className="modal modal-wide">
        <Dialog className="dialog" data-modal="">
          <Heading slot="title">{words.edit.title}</Heading>
          {isCall && tool.isPending && <Loading what={words.policy.loadingTool} />}
          {isCall && tool.isError && (
            <Failure what={words.policy.toolFailed} error={tool.error} retry={() => void tool.refetch()} />
          )}
          {edited === undefined && schema !== undefined && (
            <ArgumentsEditor
              schema={schema}
              before={before}
              state={draft ?? (schema !== null && fitsFields(before) ? formOf(before) : jsonOf(before))}
              onChange={setDraft}
              onDone={setEdited}
              onClose={onClose}
            />
          )}
          {edited !== undefined && (
            <ConfirmChanges {...{ before, edited, deciding, place }} onBack={() => setEdited(undefined)} />
          )}
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

interface ConfirmProps extends Pick<PanelProps, 'deciding' | 'place'> {
  readonly before: JsonObject;
  readonly edited: JsonObject;
  readonly onBack: () => void;
}

/** The last step before a yes to other arguments. */
function ConfirmChanges({ before, edited, deciding, place, onBack }: ConfirmProps) {
  const [comment, setComment] = useKept(place, 'edit comment', '');
  const yes = useRef<HTMLButtonElement>(null);
  const changes = diffJson(before, edited);
  // Whatever the order of their members.
  const isSame = changes.every(({ kind }) => kind === 'same');
  const send = (): void => deciding.send({ type: 'edit', arguments: edited, ...commentOf(comment) });
  const { isSettled, formProps } = useSettledForm(send, yes);
  return (
    <form className="panel-form" aria-label={words.edit.changes} {...formProps}>
      <p>{words.edit.newVersion}</p>
      <ChangesView lines={changes} label={words.edit.changes} isFolded />
      <ConfirmRepeats repeats={deciding.refused} deciding={deciding} />
      <OptionalComment value={comment} onChange={setComment} />
      <div className="decide-row">
        <Button
          ref={yes}
          type="submit"
          className="button button-main"
          isDisabled={!isSettled || deciding.isPending || isSame}
        >
          {words.edit.approve}
        </Button>
        <Button className="button" onPress={onBack} isDisabled={deciding.isPending}>
          {words.edit.back}
        </Button>
      </div>
      <SendHint />
    </form>
  );
}

/** Fields, or all of it as JSON. */
type EditState =
  | { readonly mode: 'form'; readonly draft: ObjectDraft }
  | { readonly mode: 'json'; readonly text: string };

function formOf(value: JsonObject): EditState {
  return { mode: 'form', draft: draftOf(value) as ObjectDraft };
}

function jsonOf(value: JsonObject): EditState {
  return { mode: 'json', text: writeText(value) };
}

interface Checked {
  /** Undefined: it cannot be read. */
  readonly value: JsonObject | undefined;
  readonly errors: readonly ArgumentError[];
}

function check(state: EditState, schema: JsonObject | null, before: JsonObject): Checked {
  const { value, errors } = state.mode === 'form' ? readFields(state.draft) : readText(state.text, before);
  if (value === undefined) return { value, errors };
  const inexact = findInexact(value);
  if (inexact.length > 0 || schema === null) return { value, errors: inexact };
  return { value, errors: findSchemaErrors(sealSchema(schema, sealedPointers(value)), value) };
}

function readFields(draft: ObjectDraft): Checked {
  const { value, errors } = readDraft(draft);
  return { value: errors.length === 0 ? (value as JsonObject) : undefined, errors };
}

const JSON_ERRORS: Readonly<Record<string, string>> = words.edit.jsonErrors;

function readText(text: string, before: JsonObject): Checked {
  if (text === writeText(before)) return { value: before, errors: [] };
  const parsed = parseStrictJson(text);
  if (parsed.ok && isJsonObject(parsed.value)) return { value: parsed.value, errors: [] };
  const place = parsed.ok || parsed.line === undefined ? '' : ` ${words.edit.place(parsed.line, parsed.column ?? 1)}`;
  const message = `${parsed.ok ? words.edit.notJson : (JSON_ERRORS[parsed.code] ?? words.edit.notJson)}${place}`;
  return { value: undefined, errors: [{ pointer: '', message }] };
}

function writeText(value: JsonObject): string {
  return JSON.stringify(value, null, 2);
}

interface EditorProps {
  readonly schema: JsonObject | null;
  readonly before: JsonObject;
  readonly state: EditState;
  readonly onChange: (state: EditState) => void;
  readonly onDone: (value: JsonObject) => void;
  readonly onClose: () => void;
}

/** Fields for what the arguments hold, or all of them as JSON: every value can be written in both. */
function ArgumentsEditor({ schema, before, state, onChange, onDone, onClose }: EditorProps) {
  const [isTried, setTried] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const hints = useMemo(() => hintsOf(schema), [schema]);
  const { value, errors } = useMemo(() => check(state, schema, before), [state, schema, before]);
  const shownErrors = isTried ? errors : [];
  const showErrors = (): void => {
    setTried(true);
    // Once the errors are drawn.
    setTimeout(() => {
      const first = form.current?.querySelector<HTMLElement>('[aria-invalid=true]');
      first?.focus();
      first?.scrollIntoView({ block: 'center' });
    });
  };
  useEffect(() => form.current?.querySelector<HTMLElement>('textarea, input, select')?.focus(), [state.mode]);
  return (
    <form
      ref={form}
      className="schema-form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (value !== undefined && errors.length === 0) onDone(value);
        else showErrors();
      }}
      onKeyDown={sendByControlEnter}
    >
      <Button
        className="button button-small edit-mode"
        onPress={() => {
          if (value === undefined) return showErrors();
          setTried(false);
          onChange(state.mode === 'form' ? jsonOf(value) : formOf(value));
        }}
      >
        {state.mode === 'form' ? words.form.asJson : words.form.inFields}
      </Button>
      {state.mode === 'form' ? (
        <ArgumentsFields
          draft={state.draft}
          hints={hints}
          pointer=""
          errors={shownErrors}
          onChange={(draft) => onChange({ mode: 'form', draft })}
        />
      ) : (
        <TextField
          value={state.text}
          onChange={(text) => onChange({ mode: 'json', text })}
          isInvalid={shownErrors.length > 0}
          validationBehavior="aria"
        >
          <Label>{words.edit.json}</Label>
          <TextArea rows={12} className="mono" spellCheck={false} />
          <FieldError>
            <Visible text={shownErrors.map(({ pointer, message }) => `${pointer} ${message}`.trim()).join(' ')} />
          </FieldError>
        </TextField>
      )}
      <div className="decide-row">
        <Button type="submit" className="button button-main">
          {words.edit.showChanges}
        </Button>
        <Button className="button" onPress={onClose}>
          {words.panels.cancel}
        </Button>
        <SendHint does={words.panels.goesOn} />
      </div>
    </form>
  );
}
