import { createContext, useContext, useId, useState, type ReactNode } from 'react';
import type { ArgumentError } from '../../contract/exact.ts';
import { pointerStep } from '../../contract/pointer.ts';
import { Visible } from '../ui/visible.tsx';
import type { Draft, Member, ObjectDraft } from './draft.ts';
import { emptyDraft, type Hints } from './schema-hints.ts';
import { Control, KindSelect } from './value-control.tsx';
import { words } from '../words.ts';

/** What is wrong, by the place that it belongs to. */
const Errors = createContext<readonly ArgumentError[]>([]);

interface FieldProps<D extends Draft = Draft> {
  readonly draft: D;
  readonly hints: Hints;
  readonly pointer: string;
  readonly onChange: (draft: Draft) => void;
}

/** An object stays one, whatever becomes of its members. */
interface MembersProps extends Omit<FieldProps<ObjectDraft>, 'onChange'> {
  readonly onChange: (draft: ObjectDraft) => void;
}

/** The arguments of a call, each in a field for its kind of value. */
export function ArgumentsFields({ errors, ...field }: MembersProps & { readonly errors: readonly ArgumentError[] }) {
  return (
    <Errors value={errors}>
      <Problems pointer={field.pointer} id={useId()} />
      <Members {...field} />
    </Errors>
  );
}

/** One value with its name, and what can be done with it as a whole. */
function Field({ name, actions, ...field }: FieldProps & { readonly name: ReactNode; readonly actions?: ReactNode }) {
  const { draft, hints, pointer } = field;
  const id = useId();
  const isWrong = useContext(Errors).some((error) => error.pointer === pointer);
  const control = { id, 'aria-invalid': isWrong, 'aria-describedby': `${id}-about` };
  if (draft.kind === 'sealed') {
    return (
      <p>
        <code>{name}</code> {words.form.sealed}
      </p>
    );
  }
  const head = (
    <>
      <KindSelect {...field} labelId={`${id}-name`} />
      {actions}
    </>
  );
  const about = (
    <div id={`${id}-about`}>
      {hints.description !== undefined && (
        <p className="field-description">
          <Visible text={hints.description} />
        </p>
      )}
      <Problems pointer={pointer} id={`${id}-errors`} />
    </div>
  );
  if (draft.kind === 'list' || draft.kind === 'object') {
    return (
      <div className="edit-group" role="group" aria-labelledby={`${id}-name`} aria-describedby={`${id}-about`}>
        <div className="edit-head">
          <span id={`${id}-name`} className="edit-name">
            {name}
          </span>
          <div className="edit-actions">{head}</div>
        </div>
        {about}
        <div className="edit-members">
          {draft.kind === 'list' ? <Items {...field} draft={draft} /> : <Members {...field} draft={draft} />}
        </div>
      </div>
    );
  }
  return (
    <div className="edit-field">
      <div className="edit-head">
        <label id={`${id}-name`} htmlFor={id}>
          {name}
        </label>
        <div className="edit-actions">{head}</div>
      </div>
      <Control {...field} draft={draft} control={control} />
      {about}
    </div>
  );
}

function Problems({ pointer, id }: { readonly pointer: string; readonly id: string }) {
  const messages = useContext(Errors).filter((error) => error.pointer === pointer);
  if (messages.length === 0) return null;
  return (
    <ul id={id} className="error-detail">
      {messages.map(({ message }) => (
        <li key={message} className="text-danger">
          <Visible text={message} />
        </li>
      ))}
    </ul>
  );
}

function Members({ draft, hints, pointer, onChange }: MembersProps) {
  const { members } = draft;
  const replace = (at: number, member: Member): void =>
    onChange({ kind: 'object', members: members.map((one, index) => (index === at ? member : one)) });
  const names = new Set(members.map(({ name }) => name));
  const absent = hints.names.filter((name) => !names.has(name));
  const leftOut = members.flatMap((member, at) => (member.isLeftOut === true ? [{ member, at }] : []));
  const add = (name: string): void =>
    onChange({ kind: 'object', members: [...members, { name, draft: emptyDraft(hints.member(name)) }] });
  return (
    <>
      {members.map(({ name, draft: part, isLeftOut }, at) =>
        isLeftOut === true ? null : (
          <Field
            key={name}
            name={<Visible text={name} />}
            draft={part}
            hints={hints.member(name)}
            pointer={pointer + pointerStep(name)}
            onChange={(changed) => replace(at, { name, draft: changed })}
            actions={
              hints.required.has(name) ? null : (
                <SmallButton onPress={() => replace(at, { name, draft: part, isLeftOut: true })} of={name}>
                  {words.form.leaveOut}
                </SmallButton>
              )
            }
          />
        ),
      )}
      {leftOut.length + absent.length > 0 && (
        <div className="edit-absent">
          <span className="quiet">{words.form.leftOut}</span>
          {leftOut.map(({ member: { name, draft: part }, at }) => (
            <SmallButton key={name} onPress={() => replace(at, { name, draft: part })}>
              {words.form.putBack} <Visible text={name} />
            </SmallButton>
          ))}
          {absent.map((name) => (
            <SmallButton key={name} onPress={() => add(name)}>
              {words.form.add} <Visible text={name} />
            </SmallButton>
          ))}
        </div>
      )}
      {absent.map((name) => (
        <Problems key={name} pointer={pointer + pointerStep(name)} id={`${pointer}-${name}`} />
      ))}
      {hints.isOpen && <AddMember taken={names} onAdd={add} />}
    </>
  );
}

/** For an object that may have members of any name. */
function AddMember({ taken, onAdd }: { readonly taken: ReadonlySet<string>; readonly onAdd: (name: string) => void }) {
  const [name, setName] = useState('');
  const id = useId();
  const isTaken = taken.has(name);
  const add = (): void => {
    if (name === '' || isTaken) return;
    onAdd(name);
    setName('');
  };
  return (
    <div className="edit-add">
      <label htmlFor={id} className="quiet">
        {words.form.anotherName}
      </label>
      <input
        id={id}
        className="mono"
        value={name}
        spellCheck={false}
        autoComplete="off"
        onChange={({ target }) => setName(target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter') return;
          event.preventDefault();
          add();
        }}
      />
      <SmallButton onPress={add} isDisabled={name === '' || isTaken}>
        {words.form.add}
      </SmallButton>
      {isTaken && <span className="text-danger">{words.form.isThere}</span>}
    </div>
  );
}

function Items({ draft, hints, pointer, onChange }: FieldProps<Extract<Draft, { kind: 'list' }>>) {
  const { items } = draft;
  const change = (changed: readonly Draft[]): void => onChange({ kind: 'list', items: changed });
  const add = (): void => change([...items, emptyDraft(hints.item(items.length))]);
  return (
    <>
      {items.length === 0 && <p className="quiet">{words.form.emptyList}</p>}
      {items.map((item, at) => (
        <Field
          key={at}
          name={`${at + 1}.`}
          draft={item}
          hints={hints.item(at)}
          pointer={`${pointer}/${at}`}
          onChange={(changed) => change(items.map((one, index) => (index === at ? changed : one)))}
          actions={
            <SmallButton onPress={() => change(items.filter((_one, index) => index !== at))} of={`${at + 1}`}>
              {words.form.remove}
            </SmallButton>
          }
        />
      ))}
      <div className="edit-absent">
        <SmallButton onPress={add}>{words.form.addItem}</SmallButton>
      </div>
    </>
  );
}

function SmallButton({
  children,
  onPress,
  of,
  isDisabled = false,
}: {
  readonly children: ReactNode;
  readonly onPress: () => void;
  /** Which value it is about, for who cannot see where it stands. */
  readonly of?: string;
  readonly isDisabled?: boolean;
}) {
  return (
    <button type="button" className="button button-small" disabled={isDisabled} onClick={onPress}>
      {children}
      {of !== undefined && <span className="unseen-by-eye"> {of}</span>}
    </button>
  );
}
