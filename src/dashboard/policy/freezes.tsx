import { useState, type SyntheticEvent } from 'react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { HoldpointError } from '../../client/index.ts';
import type { FreezeView } from '../../contract/freeze.ts';
import { Order } from '../app/freeze-note.tsx';
import { client } from '../data/client.ts';
import { freezesQuery } from '../data/queries.ts';
import { Failure, Loading } from '../ui/states.tsx';
import { Visible } from '../ui/visible.tsx';
import { words } from '../words.ts';
import { Alert } from '../ui/parts.tsx';

/** What operators froze, what ended each freeze, and for operators the forms that freeze and lift. */
export function FreezesView() {
  const { data, isPending, error, refetch } = useQuery(freezesQuery);
  if (isPending) return <Loading what={words.freeze.loading} />;
  if (data === undefined) return <Failure what={words.freeze.failed} error={error} retry={() => void refetch()} />;
  const { freezes, configured, operator } = data;
  return (
    <>
      {operator ? <FreezeForm /> : <p className="quiet">{words.freeze.onlyOperators}</p>}
      {configured.length > 0 && (
        <p>
          {words.freeze.configured} <Visible text={configured.join(', ')} />
        </p>
      )}
      {freezes.length === 0 ? (
        <p className="quiet">{words.freeze.none}</p>
      ) : (
        <ul className="freezes">
          {freezes.map((freeze) => (
            <li key={freeze.id} className="card">
              <Freeze freeze={freeze} mayLift={operator} />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Freeze({ freeze, mayLift }: { readonly freeze: FreezeView; readonly mayLift: boolean }) {
  const { id, tools, by, why, at, lifted } = freeze;
  return (
    <>
      <h3>
        <Visible text={tools.join(', ')} />
      </h3>
      <p>
        {words.freeze.frozenBy} <Order {...{ by, at, why }} />
      </p>
      {lifted !== null && (
        <p className="quiet">
          {words.freeze.liftedBy} <Order {...lifted} />
        </p>
      )}
      {lifted === null && mayLift && (
        <WhyForm
          label={words.freeze.whyLift}
          button={words.freeze.lift}
          send={async (text) => {
            const answer = await client.freezes.lift(id, text);
            return answer.lifted === null ? words.freeze.notLiftedYet : undefined;
          }}
        />
      )}
    </>
  );
}

function FreezeForm() {
  const [tools, setTools] = useState('');
  return (
    <section className="card" aria-labelledby="freeze-tools">
      <h2 id="freeze-tools">{words.freeze.title}</h2>
      <p className="quiet">{words.freeze.means}</p>
      <WhyForm
        label={words.freeze.why}
        button={words.freeze.freeze}
        isDangerous
        send={async (why) => {
          const { unmatched } = await client.freezes.freeze({ tools: tools.split(/[\s,]+/).filter(Boolean), why });
          setTools('');
          return unmatched.length === 0 ? undefined : words.freeze.unmatched(unmatched.join(', '));
        }}
      >
        <label>
          {words.freeze.tools}
          <input required value={tools} onChange={(event) => setTools(event.target.value)} />
        </label>
      </WhyForm>
    </section>
  );
}

interface WhyFormProps {
  readonly label: string;
  readonly button: string;
  readonly isDangerous?: boolean;
  readonly children?: React.ReactNode;
  /** What is to be said about it, where there is something. */
  send(why: string): Promise<string | undefined>;
}

function WhyForm({ label, button, isDangerous, children, send }: WhyFormProps) {
  const queries = useQueryClient();
  const [why, setWhy] = useState('');
  const sending = useMutation({
    mutationFn: send,
    onSuccess: () => setWhy(''),
    onSettled: () => queries.invalidateQueries({ queryKey: freezesQuery.queryKey }),
  });
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    sending.mutate(why);
  };
  const said = sending.isError ? problemOf(sending.error) : sending.data;
  return (
    <form className="freeze-form" onSubmit={submit}>
      {children}
      <label>
        {label}
        <input required maxLength={1_000} value={why} onChange={(event) => setWhy(event.target.value)} />
      </label>
      <button
        type="submit"
        className={`button ${isDangerous === true ? 'button-bad' : ''}`}
        disabled={sending.isPending}
      >
        {button}
      </button>
      {said !== undefined && <Alert>{said}</Alert>}
    </form>
  );
}

function problemOf(error: Error): string {
  const code = error instanceof HoldpointError ? error.code : '';
  return words.freeze.problems[code as keyof typeof words.freeze.problems] ?? words.freeze.notDone;
}
