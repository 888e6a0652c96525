import { usePageTitle } from '../ui/page-title.ts';

export function Inbox() {
  usePageTitle('Inbox');
  return <h1>Inbox</h1>;
}
