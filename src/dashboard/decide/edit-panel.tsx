import { useState, type ReactNode } from 'react';
import { useQuery } from '@tanstack/react-query';
// Not the package's index: that one also brings a registry for tests, and with it a validator that needs `eval`.
import Form from '@rjsf/core/lib/components/Form.js';
import type { FieldProps, IconButtonProps, RJSFSchema, TemplatesType, UiSchema } from '@rjsf/utils';
import {
  Button,
  Dialog,
  FieldError,
  Heading,
  Input,
  Label,
  Modal,
  ModalOverlay,
  TextArea,
  TextField,
} from 'react-aria-components';
import type { Json, JsonObject } from '../../contract/json.ts';
import { isJsonObject } from '../../domain/json/pointer.ts';
import { isSealed, sealedPointers, sealSchema } from '../../domain/seal-binding.ts';
import { toolQuery } from '../data/queries.ts';
import { diffJson } from '../../domain/show/changes.ts';
import { ChangesView } from '../ui/changes.tsx';
import { Failure, Loading } from '../ui/states.tsx';
import { Visible } from '../ui/visible.tsx';
import { commentOf, ConfirmRepeats, type PanelProps } from './panels.tsx';
import { interpretingValidator } from './validator.ts';

/** Approve with other arguments of the same tool: a form first, then what it changes, then a yes. */
export function EditPanel({ review, deciding, onClose }: PanelProps) {
  const before = review.call.arguments ?? {};
  const isCall = review.kind === 'call';
  const tool = useQuery({ ...toolQuery(review.call.tool), enabled: isCall });
  const [edited, setEdited] = useState<JsonObject>();
  const [draft, setDraft] = useState(before);
  const [comment, setComment] = useState('');
  const schema = isCall ? tool.data?.arguments : null;
  return (
    <ModalOverlay isOpen onOpenChange={(open) => !open && onClose()} className="overlay">
      <Modal className="modal modal-wide">
        <Dialog className="dialog" data-modal="">
          <Heading slot="title">Edit, then approve</Heading>
          {isCall && tool.isPending && <Loading what="Loading the tool" />}
          {isCall && tool.isError && <Failure what="The tool could not be read" retry={() => void tool.refetch()} />}
          {edited === undefined && schema !== undefined && (
            <ArgumentsForm schema={schema} value={draft} onChange={setDraft} onDone={setEdited} onClose={onClose} />
          )}
          {edited !== undefined && (
            <form
              className="panel-form"
              aria-label="Changes"
              onSubmit={(event) => {
                event.preventDefault();
                deciding.send({ type: 'edit', arguments: edited, ...commentOf(comment) });
              }}
            >
              <p>These changes make a new version, which is classified again. All earlier votes are void.</p>
              <ChangesView lines={diffJson(before, edited)} label="Changes" />
              <ConfirmRepeats repeats={deciding.refused} deciding={deciding} />
              <TextField value={comment} onChange={setComment} maxLength={4_000}>
                <Label>Comment (optional)</Label>
                <Input />
              </TextField>
              <div className="decide-row">
                <Button
                  type="submit"
                  className="button button-main"
                  isDisabled={deciding.isPending || isSame(before, edited)}
                  autoFocus
                >
                  Approve with these changes
                </Button>
                <Button className="button" onPress={() => setEdited(undefined)} isDisabled={deciding.isPending}>
                  Back to the form
                </Button>
              </div>
            </form>
          )}
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

/** A sealed value cannot be edited: it is encrypted to the execute worker, and is sent back unchanged. */
function SealedField({ name }: FieldProps) {
  return (
    <p>
      <code>
        <Visible text={name} />
      </code>{' '}
      <span className="badge badge-quiet">sealed</span> stays as it is
    </p>
  );
}

/** Renders sealed values, and only those, as {@link SealedField}. */
function uiSchemaOf(value: Json): UiSchema {
  if (isSealed(value)) {
    return { 'ui:field': SealedField, 'ui:fieldReplacesAnyOrOneOf': true, 'ui:options': { label: false } };
  }
  if (!isJsonObject(value)) return {};
  const parts = Object.entries(value).map(([key, inner]) => [key, uiSchemaOf(inner)] as const);
  return Object.fromEntries(parts.filter(([, part]) => Object.keys(part).length > 0));
}

interface FormProps {
  readonly schema: JsonObject | null;
  readonly value: JsonObject;
  readonly onChange: (value: JsonObject) => void;
  readonly onDone: (value: JsonObject) => void;
  readonly onClose: () => void;
}

/** The form that the schema asks for; where there is no schema, the arguments as JSON. */
function ArgumentsForm({ schema, value, onChange, onDone, onClose }: FormProps) {
  const buttons = (
    <div className="decide-row">
      <Button type="submit" className="button button-main">
        Show the changes
      </Button>
      <Button className="button" onPress={onClose}>
        Cancel
      </Button>
    </div>
  );
  if (schema === null) {
    return (
      <JsonField value={value} onDone={onDone}>
        {buttons}
      </JsonField>
    );
  }
  return (
    <Form
      className="schema-form"
      schema={sealSchema(schema, sealedPointers(value)) as RJSFSchema}
      validator={interpretingValidator}
      formData={value}
      templates={FORM_TEMPLATES}
      showErrorList={false}
      // The browser's own bubbles come one at a time and vanish; these stay beside their fields.
      noHtml5Validate
      // A reviewer changes what is there; missing values are not filled in.
      experimental_defaultFormStateBehavior={{ emptyObjectFields: 'skipDefaults' }}
      onChange={({ formData }) => onChange(plain(formData))}
      onSubmit={({ formData }) => onDone(plain(formData))}
      uiSchema={{
        ...uiSchemaOf(value),
        'ui:submitButtonOptions': { norender: true },
        'ui:options': { enableMarkdownInDescription: false },
      }}
    >
      {buttons}
    </Form>
  );
}

/** Members that the form left undefined are not there. */
function plain(value: unknown): JsonObject {
  return JSON.parse(JSON.stringify(value ?? {})) as JsonObject;
}

/** Whatever the order of their members. */
function isSame(a: JsonObject, b: JsonObject): boolean {
  return diffJson(a, b).every(({ kind }) => kind === 'same');
}

/** Arguments of a tool without a schema, as JSON. */
function JsonField({
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
    const value = JSON.parse(text) as Json;
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The library's own buttons are icons of a font that is not here; these say what they do. */
function buttonWith(label: string): (props: IconButtonProps) => React.JSX.Element {
  return function FormButton({ onClick, disabled }: IconButtonProps) {
    return (
      <button type="button" className="button button-small" disabled={disabled} onClick={onClick}>
        {label}
      </button>
    );
  };
}

const FORM_TEMPLATES: Partial<Omit<TemplatesType, 'ButtonTemplates'>> & {
  readonly ButtonTemplates: Partial<TemplatesType['ButtonTemplates']>;
} = {
  ButtonTemplates: {
    AddButton: buttonWith('Add'),
    RemoveButton: buttonWith('Remove'),
    MoveUpButton: buttonWith('Up'),
    MoveDownButton: buttonWith('Down'),
    CopyButton: buttonWith('Copy'),
  },
};
