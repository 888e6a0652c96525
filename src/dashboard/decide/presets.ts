import type { DecisionType } from '../../contract/review.ts';

/** Comments that are often needed; a person can change them before they are sent. */
export const PRESETS: Readonly<Record<'reject' | 'revise', readonly string[]>> = {
  reject: ['Not needed.', 'Wrong target.', 'Too risky at this time.', 'Ask its owner first.'],
  revise: ['Narrow this down to fewer items.', 'Say why this is needed.', 'Use a test target first.', 'Split this up.'],
};

export const BUTTONS: Readonly<
  Record<DecisionType, { readonly label: string; readonly key: string; readonly style: string }>
> = {
  approve: { label: 'Approve', key: 'a', style: 'button-main' },
  edit: { label: 'Edit', key: 'e', style: '' },
  revise: { label: 'Changes', key: 'c', style: '' },
  respond: { label: 'Answer', key: 'w', style: '' },
  reject: { label: 'Reject', key: 'r', style: 'button-bad' },
};

export const ORDER: readonly DecisionType[] = ['approve', 'edit', 'respond', 'revise', 'reject'];
