import { usePageTitle } from '../ui/page-title.ts';

export function PolicyPage() {
  usePageTitle('Policy');
  return <h1>Policy</h1>;
}
