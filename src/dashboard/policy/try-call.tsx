import { useEffect, useMemo, useState } from 'react';
import { useMutation, useQuery } from '@tanstack/react-query';
import type { Urgency } from '../../contract/call.ts';
import type { Explanation, ToolSummary } from '../../contract/api.ts';
import type { ArgumentError } from '../../contract/exact.ts';
import { writeJson } from '../../contract/exact-number.ts';
import { RequestError, sessionFetch } from '../data/client.ts';
import { toolQuery } from '../data/queries.ts';
import { ArgumentsFields } from '../decide/arguments-form.tsx';
import { emptyObject, hintsOf } from '../decide/schema-hints.ts';
import { sendByControlEnter } from '../decide/send-hint.tsx';
import { Failure, Loading } from '../ui/states.tsx';
import { words } from '../words.ts';
import { Answer } from './answer.tsx';
import { draftOfCall, NO_MEMBERS, parseCall, readCall, writeCall, type Call, type CallDraft } from './call-draft.ts';
import { servicesOf } from './tools.ts';
import { Alert } from '../ui/parts.tsx';

type Attempt =
  | { readonly kind: 'refused'; readonly text: string }
  | { readonly kind: 'answer'; readonly explanation: Explanation };

interface TryCallProps {
  readonly tools: readonly ToolSummary[];
  /** Its name; empty: none is chosen yet. */
  readonly tool: string;
  readonly onTool: (tool: string) => void;
  readonly onAnswer: (explanation: Explanation | undefined) => void;
  readonly onShowRules: (() => void) | undefined;
}

/** What policy says of a call, as if the reader proposed it. Nothing runs and nothing is recorded. */
export function TryCall({ tools, tool, onTool, onAnswer, onShowRules }: TryCallProps) {
  const view = useQuery({ ...toolQuery(tool), enabled: tool !== '' });
  const hints = useMemo(() => hintsOf(view.data?.arguments ?? null), [view.data]);
  const [draft, setDraft] = useState<CallDraft & { readonly tool: string }>();
  const [text, setText] = useState<string>();
  const [errors, setErrors] = useState<readonly ArgumentError[]>([]);
  const explain = useMutation({
    mutationFn: ask,
    onSuccess: (attempt) => {
      const explanation = attempt.kind === 'answer' ? attempt.explanation : undefined;
      setErrors((explanation?.errors ?? []).map((error) => ({ ...error, pointer: `/arguments${error.pointer}` })));
      onAnswer(explanation);
    },
  });
  const { reset } = explain;
  const current: CallDraft = draft ?? { arguments: emptyObject(hints), context: NO_MEMBERS, urgency: 'normal' };
  // Another tool has other arguments, and the answer is about the former.
  useEffect(() => {
    setDraft((before) => (before?.tool === tool ? before : undefined));
    setErrors([]);
    reset();
  }, [tool, reset]);
  const change = (part: Partial<CallDraft>): void => setDraft({ ...current, ...part, tool });
  const service = view.data?.service ?? '';
  const send = (): void => {
    if (text !== undefined) return explain.mutate(parseCall(text) ?? words.policy.notACall);
    const { call, errors: found } = readCall({ service, tool }, current);
    setErrors(found);
    if (found.length === 0) explain.mutate(call);
  };
  const toFields = (): void => {
    const call = parseCall(text ?? '');
    if (call === undefined) return explain.mutate(words.policy.notACall);
    const next = draftOfCall(call);
    if (next === undefined) return explain.mutate(words.policy.noFields);
    setDraft({ ...next, tool: call.tool });
    onTool(call.tool);
    setText(undefined);
  };
  return (
    <div className="try">
      <form
        className="card schema-form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
        onKeyDown={sendByControlEnter}
      >
        <p className="quiet">{words.policy.tryHint}</p>
        {text === undefined ? (
          <>
            <label className="field">
              <span>{words.policy.tool}</span>
              <select value={tool} onChange={({ target }) => onTool(target.value)}>
                <option value="">{words.policy.chooseTool}</option>
                {servicesOf(tools).map(([name, some]) => (
                  <optgroup key={name} label={name}>
                    {some.map((each) => (
                      <option key={each.tool}>{each.tool}</option>
                    ))}
                  </optgroup>
                ))}
              </select>
            </label>
            {tool !== '' && view.isPending && <Loading what={words.policy.loadingTool} />}
            {view.isError && <Failure what={words.policy.toolFailed} retry={() => void view.refetch()} />}
            {view.data !== undefined && (
              <fieldset>
                <legend>{words.policy.arguments}</legend>
                {view.data.arguments === null && <p className="quiet">{words.policy.noArguments}</p>}
                <ArgumentsFields
                  draft={current.arguments}
                  hints={hints}
                  pointer="/arguments"
                  errors={errors}
                  onChange={(next) => change({ arguments: next })}
                />
              </fieldset>
            )}
            {view.data !== undefined && (
              <details>
                <summary>{words.policy.more}</summary>
                <ArgumentsFields
                  draft={current.context}
                  hints={ANY}
                  pointer="/context"
                  errors={errors}
                  onChange={(next) => change({ context: next })}
                />
                <label className="field">
                  <span>{words.policy.urgency}</span>
                  <select
                    value={current.urgency}
                    onChange={({ target }) => change({ urgency: target.value as Urgency })}
                  >
                    {Object.entries(words.policy.urgencies).map(([value, name]) => (
                      <option key={value} value={value}>
                        {name}
                      </option>
                    ))}
                  </select>
                </label>
              </details>
            )}
          </>
        ) : (
          <label className="field">
            <span>{words.policy.json}</span>
            <textarea
              className="mono"
              rows={12}
              spellCheck={false}
              value={text}
              onChange={({ target }) => setText(target.value)}
            />
          </label>
        )}
        <div className="buttons">
          <button
            type="submit"
            className="button button-main"
            disabled={explain.isPending || (text === undefined && view.data === undefined)}
          >
            {words.policy.run}
          </button>
          <button
            type="button"
            className="button"
            onClick={() => {
              if (text !== undefined) return toFields();
              setText(
                tool === '' ? writeJson(words.policy.example, 2) : writeCall(readCall({ service, tool }, current).call),
              );
            }}
          >
            {text === undefined ? words.form.asJson : words.form.inFields}
          </button>
        </div>
      </form>
      {explain.isError && <Alert>{words.policy.askFailed}</Alert>}
      {explain.data?.kind === 'refused' && <Alert>{explain.data.text}</Alert>}
      {explain.data?.kind === 'answer' && <Answer explanation={explain.data.explanation} onShowRules={onShowRules} />}
    </div>
  );
}

const ANY = hintsOf(null);

/** A text is why there is nothing to ask. */
async function ask(call: Call | string): Promise<Attempt> {
  if (typeof call === 'string') return { kind: 'refused', text: call };
  const response = await sessionFetch('/v1/policy/explain', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: writeJson(call),
  });
  if (response.status === 400) return { kind: 'refused', text: words.policy.refused };
  if (!response.ok) throw new RequestError(response.status);
  return { kind: 'answer', explanation: (await response.json()) as Explanation };
}
