import { useState } from 'react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { Explanation, PolicyInForce } from '../../contract/api.ts';
import { getJson } from '../data/client.ts';
import { toolsQuery } from '../data/queries.ts';
import { SearchBox } from '../ui/search-box.tsx';
import { usePageTitle } from '../ui/hooks.ts';
import { Failure, Loading } from '../ui/states.tsx';
import { Tabs } from '../ui/tabs.tsx';
import { Instant } from '../ui/times.tsx';
import { Visible } from '../ui/visible.tsx';
import { words } from '../words.ts';
import { FreezesView } from './freezes.tsx';
import { firedLines } from './fired-lines.ts';
import { ToolTable } from './tool-table.tsx';
import { TryCall } from './try-call.tsx';

const VIEWS = ['tools', 'try', 'file', 'freezes'] as const;

/** What each tool's calls meet, what a call of one's own would meet, the file that says so, and what operators froze. */
export function PolicyPage() {
  usePageTitle(words.policy.title);
  const policy = useQuery({ queryKey: ['policy'] as const, queryFn: () => getJson<PolicyInForce>('/v1/policy') });
  const tools = useQuery(toolsQuery());
  const search = useSearch({ from: '/policy' });
  const navigate = useNavigate();
  const change = (next: Readonly<Record<string, string>>): void =>
    void navigate({ to: '/policy', search: { ...search, ...next }, replace: true });
  const [explanation, setExplanation] = useState<Explanation>();
  const fired = explanation === undefined || policy.data === undefined ? [] : firedLines(explanation, policy.data.name);
  const { q = '', tool = '' } = search;
  const contents = {
    tools: (
      <ToolTable
        q={q}
        search={
          <SearchBox
            label={words.policy.search}
            hint={words.policy.searchHint}
            value={q}
            onChange={(next) => change({ q: next })}
          />
        }
      />
    ),
    try: (
      <TryCall
        tools={tools.data?.tools ?? []}
        tool={tool}
        onTool={(next) => change({ tool: next })}
        onAnswer={setExplanation}
        onShowRules={fired.length === 0 ? undefined : () => change({ view: 'file' })}
      />
    ),
    file: policy.data !== undefined && <PolicyText policy={policy.data} fired={fired} />,
    freezes: <FreezesView />,
  };
  return (
    <div className="policy">
      <h1>{words.policy.title}</h1>
      {policy.isPending && <Loading what={words.policy.loading} />}
      {policy.isError && (
        <Failure what={words.policy.failed} error={policy.error} retry={() => void policy.refetch()} />
      )}
      {policy.data !== undefined && <InForce policy={policy.data} />}
      <Tabs
        label={words.policy.tabs}
        selected={VIEWS.find((view) => view === search['view']) ?? 'tools'}
        onSelect={(view) => change({ view: view === 'tools' ? '' : view })}
        views={VIEWS.map((id) => ({ id, name: words.policy[id], content: contents[id] }))}
      />
    </div>
  );
}

function InForce({ policy }: { readonly policy: PolicyInForce }) {
  return (
    <>
      <p className="quiet">
        {words.policy.inForce(policy.name)} <Instant at={policy.loadedAt} />.
      </p>
      {policy.problem !== null && (
        <div className="note note-bad" role="alert">
          <p>{words.policy.notInForce}</p>
          <p className="lines">
            <Visible text={policy.problem} lines />
          </p>
        </div>
      )}
      {policy.warnings.length > 0 && (
        <div className="note note-warn">
          <p>{words.policy.warnings}</p>
          <ul>
            {policy.warnings.map(({ file, line, column, message, fix }) => (
              <li key={`${file}:${line}:${column}:${message}`}>
                {file}:{line}: <Visible text={`${message}. ${fix}.`} />
              </li>
            ))}
          </ul>
        </div>
      )}
    </>
  );
}

function PolicyText({ policy, fired }: { readonly policy: PolicyInForce; readonly fired: readonly number[] }) {
  return (
    <>
      <p className="quiet">
        {words.policy.recorded} <code>{policy.digest}</code>
      </p>
      <div className="source" role="region" aria-label={words.policy.fileText(policy.name)} tabIndex={0}>
        <ol>
          {policy.text
            .replace(/\n$/, '')
            .split('\n')
            .map((line, at) => (
              <li key={at} className={fired.includes(at + 1) ? 'fired' : undefined}>
                <code>
                  <Visible text={line} />
                </code>
                {fired.includes(at + 1) && <span className="unseen-by-eye">{words.policy.thisRule}</span>}
              </li>
            ))}
        </ol>
      </div>
    </>
  );
}
