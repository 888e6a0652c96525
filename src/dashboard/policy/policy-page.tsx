import { useState } from 'react';
import { useQuery } from '@tanstack/react-query';
import type { PolicyInForce } from '../../contract/api.ts';
import { getJson } from '../data/client.ts';
import { usePageTitle } from '../ui/hooks.ts';
import { Failure, Loading } from '../ui/states.tsx';
import { Instant } from '../ui/times.tsx';
import { Visible } from '../ui/visible.tsx';
import { Explain } from './explain.tsx';

/** The policy file in force, and what it says of a call. */
export function PolicyPage() {
  usePageTitle('Policy');
  const policy = useQuery({ queryKey: ['policy'] as const, queryFn: () => getJson<PolicyInForce>('/v1/policy') });
  const [fired, setFired] = useState<readonly number[]>([]);
  return (
    <div className="policy">
      <h1>Policy</h1>
      <Explain file={policy.data?.name} onFired={setFired} />
      {policy.isPending && <Loading what="Reading the policy" />}
      {policy.isError && <Failure what="The policy could not be read" retry={() => void policy.refetch()} />}
      {policy.data !== undefined && <InForce policy={policy.data} fired={fired} />}
    </div>
  );
}

function InForce({ policy, fired }: { readonly policy: PolicyInForce; readonly fired: readonly number[] }) {
  return (
    <section className="card" aria-labelledby="in-force">
      <h2 id="in-force">In force: {policy.name}</h2>
      <p className="quiet small">
        Since <Instant at={policy.loadedAt} />, digest <code>{policy.digest}</code>. Every record of a decision names
        it.
      </p>
      {policy.problem !== null && (
        <div className="note note-bad" role="alert">
          <p>The files on disk are not in force; what you see below still is:</p>
          <p className="lines">
            <Visible text={policy.problem} lines />
          </p>
        </div>
      )}
      {policy.warnings.length > 0 && (
        <div className="note note-warn">
          <p>Probably not meant:</p>
          <ul>
            {policy.warnings.map(({ file, line, column, message, fix }) => (
              <li key={`${file}:${line}:${column}:${message}`}>
                {file}:{line}: <Visible text={`${message}. ${fix}.`} />
              </li>
            ))}
          </ul>
        </div>
      )}
      <div className="source" role="region" aria-label={`Text of ${policy.name}`} tabIndex={0}>
        <ol>
          {policy.text
            .replace(/\n$/, '')
            .split('\n')
            .map((line, at) => (
              <li key={at} className={fired.includes(at + 1) ? 'fired' : undefined}>
                <code>
                  <Visible text={line} />
                </code>
                {fired.includes(at + 1) && <span className="unseen-by-eye"> (this rule fired)</span>}
              </li>
            ))}
        </ol>
      </div>
    </section>
  );
}
