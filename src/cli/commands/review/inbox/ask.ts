import type { DecisionRequest } from '../../../../contract/decision.ts';
import type { DecisionType, Review } from '../../../../contract/review.ts';
import { canBeStopped } from '../../../../domain/stop.ts';
import { parseStrictJson } from '../../../../domain/json/strict-json.ts';
import type { Io } from '../../../ui/io.ts';
import { askText } from '../../../ui/prompt.ts';
import { editArguments } from '../edit.ts';

const QUESTIONS: Readonly<Record<DecisionType, { readonly message: string; readonly needed: boolean }>> = {
  approve: { message: 'Approve. A comment, if you like (enter: none, esc: do not decide)', needed: false },
  edit: { message: 'Approve with these arguments. A comment, if you like (esc: do not decide)', needed: false },
  reject: { message: 'Reject. Why? (esc: do not decide)', needed: true },
  revise: { message: 'What should be changed? (esc: do not decide)', needed: true },
  respond: { message: 'A comment, if you like (esc: do not decide)', needed: false },
};

const STOP = { message: 'Stop it before it runs. Why? (enter: no comment, esc: do not stop it)', needed: false };

/** Asks what belongs to a decision on what was shown. Undefined: no decision after all. */
export async function askDecision(io: Io, review: Review, type: DecisionType): Promise<DecisionRequest | undefined> {
  const { digest } = review.call;
  if (digest === null) return undefined;
  const args = type === 'edit' ? { arguments: await editArguments(io, review) } : {};
  const response = type === 'respond' ? await askResponse() : {};
  if (response === undefined) return undefined;
  const comment = await askText(type === 'reject' && canBeStopped(review) ? STOP : QUESTIONS[type]);
  if (comment === undefined) return undefined;
  return { type, digest, ...args, ...response, ...(comment === '' ? {} : { comment }) };
}

async function askResponse(): Promise<Pick<DecisionRequest, 'response'> | undefined> {
  const text = await askText({ message: 'Your answer, as JSON or as plain words', needed: true });
  if (text === undefined) return undefined;
  const parsed = parseStrictJson(text);
  return { response: parsed.ok ? parsed.value : text };
}
