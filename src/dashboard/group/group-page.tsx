import { usePageTitle } from '../ui/page-title.ts';

export function GroupPage() {
  usePageTitle('Group');
  return <h1>Group</h1>;
}
