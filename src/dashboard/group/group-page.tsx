import { useEffect } from 'react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link, useSearch } from '@tanstack/react-router';
import { listQuery, rowsOf } from '../data/queries.ts';
import { usePageTitle } from '../ui/page-title.ts';
import { Empty, Failure, Loading } from '../ui/states.tsx';
import { Visible } from '../ui/visible.tsx';
import { GroupForm } from './group-form.tsx';

/** The reviews of one group, to decide one by one or in several at once. */
export function GroupPage() {
  const { name } = useSearch({ from: '/group' });
  usePageTitle(`Group ${name}`);
  const list = useInfiniteQuery({ ...listQuery({ group: name }), enabled: name !== '' });
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const rows = rowsOf(list.data);
  return (
    <>
      <p>
        <Link to="/">Inbox</Link>
      </p>
      <h1>
        Group <Visible text={name} />
      </h1>
      {list.isPending && name !== '' && <Loading what="Loading the group" />}
      {list.isError && <Failure what="The group could not be read" retry={() => void list.refetch()} />}
      {(name === '' || list.data !== undefined) && rows.length === 0 && <Empty title="There is no such group" />}
      {rows.length > 0 && <GroupForm rows={rows} />}
    </>
  );
}
