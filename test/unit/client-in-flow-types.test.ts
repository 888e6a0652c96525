import { describe, expectTypeOf, test } from 'vitest';
import type { Json } from '../../src/contract/json.ts';
import { requestApproval, requestApprovals } from '../../src/workflows/request-approval.ts';

interface Draft {
  readonly title: string;
  readonly words?: number;
}

// Checked by the compiler alone: none of it is called.
describe('types of requestApproval', () => {
  test('an answer is typed by what was proposed, an interface too, and narrows by its type', () => {
    const ask = async (draft: Draft): Promise<string> => {
      const decision = await requestApproval({
        title: 'Publish this draft?',
        proposal: { draft },
        approvers: ['editors'],
        ttl: '24h',
        allow: ['approve', 'edit', 'reject', 'respond'],
      });
      switch (decision.type) {
        case 'approve':
        case 'edit':
          expectTypeOf(decision.proposal).toEqualTypeOf<{ draft: Draft }>();
          return decision.by;
        case 'respond':
          expectTypeOf(decision.response).toEqualTypeOf<Json>();
          return decision.by;
        case 'reject':
          expectTypeOf(decision.comment).toEqualTypeOf<string | null>();
          // @ts-expect-error what was refused is nothing to go on with
          return decision.proposal.draft.title;
        case 'blocked':
          return decision.reasonCodes.join();
        case 'expired':
        case 'withdrawn':
        case 'aborted':
          return decision.reviewId;
      }
    };
    expectTypeOf(ask).returns.toEqualTypeOf<Promise<string>>();
  });

  test('several answers have the types of their questions, in order', () => {
    const ask = async (draft: Draft) => {
      const [first, second] = await requestApprovals([
        { title: 'One?', proposal: { draft }, approvers: ['editors'] },
        { title: 'Two?', proposal: { amount: 1 as number }, approvers: ['finance'] },
      ]);
      if (first.type === 'approve') expectTypeOf(first.proposal).toExtend<{ readonly draft: Draft }>();
      if (second.type === 'edit') expectTypeOf(second.proposal).toExtend<{ readonly amount: number }>();
      return [first.reviewId, second.reviewId];
    };
    expectTypeOf(ask).returns.toEqualTypeOf<Promise<string[]>>();
  });

  test('a question without a proposal, or with an answer that is none, does not compile', () => {
    const ask = () => [
      // @ts-expect-error nothing is proposed
      requestApproval({ title: 'What?', approvers: ['editors'] }),
      // @ts-expect-error nobody can do that in-flow
      requestApproval({ title: 'What?', proposal: {}, approvers: ['editors'], allow: ['revise'] }),
    ];
    expectTypeOf(ask).toBeFunction();
  });
});
