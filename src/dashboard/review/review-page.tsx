import { usePageTitle } from '../ui/page-title.ts';

export function ReviewPage() {
  usePageTitle('Review');
  return <h1>Review</h1>;
}
