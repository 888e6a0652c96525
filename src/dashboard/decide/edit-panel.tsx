import { useState } from 'react';
import { useQuery } from '@tanstack/react-query';
// Not the package's index: that one also brings a registry for tests, and with it a validator that needs `eval`.
import Form from '@rjsf/core/lib/components/Form.js';
import type { RJSFSchema } from '@rjsf/utils';
import { Button, Dialog, Heading, Input, Label, Modal, ModalOverlay, TextField } from 'react-aria-components';
import type { JsonObject } from '../../contract/json.ts';
import { toolQuery } from '../data/queries.ts';
import { diffJson } from '../ui/diff.ts';
import { JsonDiff } from '../ui/json-diff.tsx';
import { Failure, Loading } from '../ui/states.tsx';
import { Visible } from '../ui/visible.tsx';
import { JsonField } from './json-field.tsx';
import type { PanelProps } from './confirm-panel.tsx';
import { FORM_TEMPLATES } from './form-templates.tsx';
import { schemaWithoutSealed, sealedPaths, withoutSealed, withSealed, type SealedPath } from './sealed.ts';
import { interpretingValidator } from './validator.ts';

/** Approve with other arguments of the same tool: a form first, then what it changes, then a yes. */
export function EditPanel({ review, deciding, onClose }: PanelProps) {
  const before = review.call.arguments ?? {};
  const isCall = review.kind === 'call';
  const tool = useQuery({ ...toolQuery(review.call.tool), enabled: isCall });
  const [edited, setEdited] = useState<JsonObject>();
  const sealed = sealedPaths(before);
  const [draft, setDraft] = useState<JsonObject>(() => withoutSealed(before, sealed));
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
            <>
              <Sealed paths={sealed} />
              <ArgumentsForm
                schema={schema === null ? null : schemaWithoutSealed(schema, sealed)}
                value={draft}
                onChange={setDraft}
                onDone={(value) => setEdited(withSealed(value, before, sealed))}
                onClose={onClose}
              />
            </>
          )}
          {edited !== undefined && (
            <form
              className="panel-form"
              aria-label="Changes"
              onSubmit={(event) => {
                event.preventDefault();
                const trimmed = comment.trim();
                deciding.send({ type: 'edit', arguments: edited, ...(trimmed === '' ? {} : { comment: trimmed }) });
              }}
            >
              <p>These changes make a new version, which is classified again. All earlier votes are void.</p>
              <JsonDiff before={before} after={edited} label="Changes" />
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

/** What nobody can edit here: it is encrypted to the execute worker, and goes back as it came. */
function Sealed({ paths }: { readonly paths: readonly SealedPath[] }) {
  if (paths.length === 0) return null;
  return (
    <dl className="arguments">
      {paths.map((path) => (
        <div key={path.join('/')}>
          <dt>
            <code>
              <Visible text={path.join(' / ')} />
            </code>
          </dt>
          <dd>
            <span className="badge badge-quiet">sealed</span> stays as it is
          </dd>
        </div>
      ))}
    </dl>
  );
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
      schema={schema as RJSFSchema}
      validator={interpretingValidator}
      formData={value}
      templates={FORM_TEMPLATES}
      showErrorList={false}
      // The browser's own bubbles come one at a time and vanish; these stay beside their fields.
      noHtml5Validate
      // A reviewer changes what is there; values nobody gave are not filled in.
      experimental_defaultFormStateBehavior={{ emptyObjectFields: 'skipDefaults' }}
      onChange={({ formData }) => onChange(plain(formData))}
      onSubmit={({ formData }) => onDone(plain(formData))}
      uiSchema={{ 'ui:submitButtonOptions': { norender: true }, 'ui:options': { enableMarkdownInDescription: false } }}
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
