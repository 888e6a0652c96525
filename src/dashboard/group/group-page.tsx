import { useEffect } from 'react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link, Navigate, useSearch } from '@tanstack/react-router';
import { listQuery, rowsOf } from '../data/queries.ts';
import { usePageTitle } from '../ui/hooks.ts';
import { Empty, Failure, Loading } from '../ui/states.tsx';
import { Visible } from '../ui/visible.tsx';
import { lastInboxView } from '../inbox/filters.ts';
import { proposersOf } from '../inbox/fold.ts';
import { words } from '../words.ts';
import { GroupForm } from './group-form.tsx';

/** The reviews of one group, to decide one by one or in several at once. */
export function GroupPage() {
  const { name, proposer } = useSearch({ from: '/group' });
  usePageTitle(words.group.name(name));
  const filter = { group: name, ...(proposer === undefined ? {} : { proposer }) };
  const list = useInfiniteQuery({ ...listQuery(filter), enabled: name !== '' });
  const { hasNextPage, isFetchingNextPage, isError, fetchNextPage } = list;
  useEffect(() => {
    // After a failure the reader asks again.
    if (hasNextPage && !isFetchingNextPage && !isError) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, isError, fetchNextPage]);
  const rows = rowsOf(list.data);
  return (
    <>
      <p>
        <Link to="/" search={lastInboxView}>
          {words.shell.inbox}
        </Link>
      </p>
      <h1>
        <Visible text={words.group.name(name)} />{' '}
        {proposer !== undefined && (
          <span className="quiet">
            <Visible text={words.group.of(proposer)} />
          </span>
        )}
      </h1>
      {list.isPending && name !== '' && <Loading what={words.group.loading} />}
      {list.isError && <Failure what={words.group.failed} error={list.error} retry={() => void list.refetch()} />}
      {(name === '' || list.data !== undefined) && rows.length === 0 && <Empty title={words.group.none} />}
      {rows.length > 0 && proposer !== undefined && (
        <GroupForm key={proposer} rows={rows} isListed={!hasNextPage} name={`${proposer} ${name}`} />
      )}
      {rows.length > 0 && proposer === undefined && !hasNextPage && (
        <WhoseGroup name={name} proposers={proposersOf(rows)} />
      )}
    </>
  );
}

/** An address that names no proposer: groups of the same name are never decided together. */
function WhoseGroup({ name, proposers }: { readonly name: string; readonly proposers: readonly string[] }) {
  const [only] = proposers;
  if (only !== undefined && proposers.length === 1) {
    return <Navigate to="/group" search={{ name, proposer: only }} replace />;
  }
  return (
    <>
      <p>{words.group.several}</p>
      <ul>
        {proposers.map((proposer) => (
          <li key={proposer}>
            <Link to="/group" search={{ name, proposer }}>
              <Visible text={proposer} />
            </Link>
          </li>
        ))}
      </ul>
    </>
  );
}
