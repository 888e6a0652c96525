import { Button, Disclosure, DisclosurePanel, Heading } from 'react-aria-components';
import type { Review } from '../../contract/review.ts';
import { VisibleLines } from '../ui/visible.tsx';

/** The request as it would go out, without credentials: the same call once more, so it is folded. */
export function Target({ review }: { readonly review: Review }) {
  if (review.target === null) return null;
  return (
    <Disclosure className="target">
      <Heading level={3}>
        <Button slot="trigger" className="fold">
          Request to <code>{review.target.connector}</code>, as it would be sent (without credentials)
        </Button>
      </Heading>
      <DisclosurePanel>
        <pre className="code">
          <VisibleLines text={JSON.stringify(review.target.request, null, 2)} />
        </pre>
      </DisclosurePanel>
    </Disclosure>
  );
}
