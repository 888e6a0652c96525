import { usePageTitle } from '../ui/page-title.ts';

export function AuditPage() {
  usePageTitle('Audit');
  return <h1>Audit</h1>;
}
