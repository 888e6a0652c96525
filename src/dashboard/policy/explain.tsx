import { useState } from 'react';
import { useMutation } from '@tanstack/react-query';
import { Button, Form, Label, TextArea, TextField } from 'react-aria-components';
import type { Explanation } from '../../contract/api.ts';
import { RequestError, sessionFetch } from '../data/client.ts';
import { writeJson } from '../../contract/exact-number.ts';
import { ClassBadge } from '../ui/badge.tsx';
import { Visible } from '../ui/visible.tsx';
import { reasonWords } from '../../domain/words.ts';
import { firedLines, readPastedCall } from './pasted-call.ts';

const EXAMPLE = '{ "service": "postgres", "tool": "postgres.execute", "arguments": { "sql": "DELETE FROM users" } }';

type Attempt =
  | { readonly kind: 'unreadable'; readonly words: string }
  | { readonly kind: 'answer'; readonly explanation: Explanation };

/** What policy says of a pasted call: as if the reader proposed it; nothing runs, nothing is recorded. */
export function Explain({
  file,
  onFired,
}: {
  readonly file: string | undefined;
  readonly onFired: (lines: readonly number[]) => void;
}) {
  const [text, setText] = useState('');
  const explain = useMutation({
    mutationFn: ask,
    onSuccess: (attempt) =>
      onFired(attempt.kind === 'answer' && file !== undefined ? firedLines(attempt.explanation.rules, file) : []),
  });
  return (
    <section className="card" aria-labelledby="explain">
      <h2 id="explain">Explain a call</h2>
      <Form
        onSubmit={(event) => {
          event.preventDefault();
          explain.mutate(text);
        }}
      >
        <TextField value={text} onChange={setText} isRequired>
          <Label>A call, as JSON: what an agent sends to /v1/execute</Label>
          <TextArea placeholder={EXAMPLE} spellCheck="false" rows={4} />
        </TextField>
        <Button type="submit" className="button button-main" isDisabled={explain.isPending}>
          Explain
        </Button>
      </Form>
      {explain.isError && (
        <p role="alert" className="note note-bad">
          It could not be asked. Try again.
        </p>
      )}
      {explain.data?.kind === 'unreadable' && (
        <p role="alert" className="note note-bad">
          {explain.data.words}
        </p>
      )}
      {explain.data?.kind === 'answer' && <Answer explanation={explain.data.explanation} />}
    </section>
  );
}

function Answer({ explanation }: { readonly explanation: Explanation }) {
  const { blocked, gate, levels, reasonCodes, reasons = [], rules, errors } = explanation;
  return (
    <div role="status" className="answer">
      <p>
        <ClassBadge value={explanation.class} /> {verdict(blocked, gate)}
      </p>
      {reasonCodes.length > 0 && (
        <ul>
          {reasonCodes.map((code) => (
            <li key={code}>
              <Visible text={reasonWords(code)} /> <code className="quiet">{code}</code>
            </li>
          ))}
        </ul>
      )}
      {reasons.map(({ code, message }) => (
        <p key={code}>
          <Visible text={message} />
        </p>
      ))}
      {errors !== undefined && (
        <ul>
          {errors.map(({ pointer, message }) => (
            <li key={pointer + message}>
              <code>
                <Visible text={pointer === '' ? '/' : pointer} />
              </code>
              : <Visible text={message} />
            </li>
          ))}
        </ul>
      )}
      {levels.length > 0 && (
        <ol>
          {levels.map(({ name, approvers, quorum }) => (
            <li key={name}>
              {name}: {quorum} of {approvers.join(', ')}
            </li>
          ))}
        </ol>
      )}
      <h3>Rules that fired</h3>
      {rules.length === 0 ? (
        <p className="quiet">None: the tool’s own class counts.</p>
      ) : (
        <ul>
          {rules.map(({ source, class: ruleClass, reason, error }) => (
            <li key={source}>
              <ClassBadge value={ruleClass} />{' '}
              <code>
                <Visible text={source} />
              </code>
              {reason !== null && (
                <>
                  {' '}
                  (<Visible text={reason} />)
                </>
              )}
              {error !== null && (
                <>
                  {' '}
                  It failed, so the call counts as irreversible: <Visible text={error} />
                </>
              )}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function verdict(blocked: boolean, gate: Explanation['gate']): string {
  if (blocked) return 'would be blocked.';
  switch (gate) {
    case 'hard':
      return 'would wait for a decision:';
    case 'soft':
      return 'would run at once, and people would be told.';
    case 'none':
    case null:
      return 'would run at once.';
    default:
      return gate satisfies never;
  }
}

async function ask(text: string): Promise<Attempt> {
  const call = readPastedCall(text);
  if (call === undefined) {
    return { kind: 'unreadable', words: 'This is not a call: a JSON object with service, tool and arguments.' };
  }
  const response = await sessionFetch('/v1/policy/explain', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: writeJson(call),
  });
  if (response.status === 400) {
    return {
      kind: 'unreadable',
      words: 'Holdpoint would refuse this request: its shape, a name in it or a number is not allowed.',
    };
  }
  if (!response.ok) throw new RequestError(response.status);
  return { kind: 'answer', explanation: (await response.json()) as Explanation };
}
