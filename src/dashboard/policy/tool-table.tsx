import { useMemo, type ReactNode } from 'react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ToolSummary } from '../../contract/api.ts';
import { toolsQuery } from '../data/queries.ts';
import { Empty, Failure, Loading } from '../ui/states.tsx';
import { Visible } from '../ui/visible.tsx';
import { words } from '../words.ts';
import { effectText, findTools, heldText, levelText, servicesOf } from './tools.ts';

/** What each tool's calls meet, by service. */
export function ToolTable({ q, search }: { readonly q: string; readonly search: ReactNode }) {
  const tools = useQuery(toolsQuery());
  const services = useMemo(() => servicesOf(findTools(tools.data?.tools ?? [], q)), [tools.data, q]);
  return (
    <>
      {search}
      {tools.isPending && <Loading what={words.policy.loadingTools} />}
      {tools.isError && <Failure what={words.policy.toolsFailed} retry={() => void tools.refetch()} />}
      {tools.data !== undefined && services.length === 0 && (
        <Empty title={tools.data.tools.length === 0 ? words.policy.noTools : words.policy.noToolFound(q)} />
      )}
      {services.length > 0 && (
        <table className="tools">
          <thead>
            <tr>
              {columns.map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          {services.map(([service, some]) => (
            <tbody key={service}>
              <tr className="tools-service">
                <th colSpan={columns.length} scope="rowgroup">
                  {service} <span className="quiet">{words.policy.count(some.length)}</span>
                </th>
              </tr>
              {some.map((tool) => (
                <ToolRow key={tool.tool} tool={tool} />
              ))}
            </tbody>
          ))}
        </table>
      )}
    </>
  );
}

const { columns } = words.policy;

function ToolRow({ tool }: { readonly tool: ToolSummary }) {
  const title = tool.title ?? tool.description;
  return (
    <tr data-tool={tool.tool}>
      <th scope="row">
        <Link to="/policy" search={{ view: 'try', tool: tool.tool }} className="mono">
          {tool.tool}
        </Link>
        {title !== null && (
          <p className="quiet">
            <Visible text={title} />
          </p>
        )}
      </th>
      <td data-label={columns[1]}>{words.policy.classes[tool.class]}</td>
      <td data-label={columns[2]} className={tool.effects === null ? 'quiet' : undefined}>
        {effectText(tool)}
      </td>
      <td data-label={columns[3]}>{heldText(tool)}</td>
      <td data-label={columns[4]}>
        {tool.approvals.length === 0 ? (
          <span className="quiet">{words.policy.noApproval}</span>
        ) : (
          <ol className="approvals">
            {tool.approvals.map(({ when, levels }) => (
              <li key={when ?? ''}>
                {levels.map(levelText).join(words.policy.thenLevel)}
                {when !== null && (
                  <p className="quiet">
                    {words.policy.when}{' '}
                    <code>
                      <Visible text={when} />
                    </code>
                  </p>
                )}
              </li>
            ))}
          </ol>
        )}
      </td>
    </tr>
  );
}
