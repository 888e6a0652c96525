import { approvalRequestSchema, type ApprovalRequest } from '../../contract/in-flow.ts';
import type { Json } from '../../contract/json.ts';
import { DEFAULT_TTL, durationMs } from '../../contract/policy.ts';
import { membersOf } from '../eligibility.ts';
import { explainFields } from '../files/explain-issue.ts';
import { suggest } from '../files/nearest.ts';
import { findUnfillable } from '../gate/seats.ts';
import { isJsonObject } from '../json/pointer.ts';
import type { ArgumentError } from '../../contract/exact.ts';
import type { ApprovalPlan } from './policy.ts';
import type { Settings } from './settings.ts';

/** What a workflow sent, read. */
export interface ReadQuestion {
  /** Null: it cannot be read as one. That depends on nothing else, so it is the same whenever it is asked again. */
  readonly question: ApprovalRequest | null;
  /** What is wrong with it: the field, and the form that it must have. */
  readonly errors: readonly ArgumentError[];
}

/** `request`: what came; null where it was no object, or too long. */
export function readQuestion(request: Json): ReadQuestion {
  if (!isJsonObject(request)) return refuse('', 'the question must be an object of at most 256 KiB');
  if (Object.hasOwn(request, '$undecodable')) return refuse('', UNDECODABLE);
  const parsed = approvalRequestSchema.safeParse(request);
  if (parsed.success) return { question: parsed.data, errors: [] };
  const errors = explainFields(parsed.error, approvalRequestSchema, request);
  return { question: null, errors: errors.slice(0, MAX_ERRORS) };
}

/** What keeps people from being asked; empty: nothing does. */
export function checkQuestion(
  question: ApprovalRequest,
  { reviewers }: Pick<Settings, 'reviewers'>,
): readonly ArgumentError[] {
  if (levelsOf(question) === undefined) {
    return [{ pointer: '/approvers', message: 'must name the groups to ask. Or give levels instead, not both' }];
  }
  return [...checkGroups(question, reviewers), ...checkTimes(question)].slice(0, MAX_ERRORS);
}

/** Undefined where the question does not say who is asked, or says it twice. */
export function levelsOf({ levels, approvers }: ApprovalRequest): ApprovalPlan['levels'] | undefined {
  if (levels !== undefined) return approvers === undefined ? levels : undefined;
  return approvers && [{ name: 'approval', approvers, quorum: 1 }];
}

const MAX_ERRORS = 20;
const UNDECODABLE =
  'the question cannot be decoded here: the gate worker has no payload codec. Ask through a data converter without one, and keep what is secret out of the question';

function refuse(pointer: string, message: string): ReadQuestion {
  return { question: null, errors: [{ pointer, message }] };
}

/** Every group is one that a reviewer is in, and every level can be passed, by those too whom it escalates to. */
function checkGroups(question: ApprovalRequest, reviewers: Settings['reviewers']): readonly ArgumentError[] {
  const known = new Set(reviewers.flatMap(({ groups }) => groups));
  const findUnknown = (at: string, groups: readonly string[] = []): readonly ArgumentError[] =>
    groups.flatMap((group, index) => {
      if (known.has(group)) return [];
      const fix = suggest(group, known, `Groups with members: ${[...known].join(', ')}`);
      return [{ pointer: `${at}/${index}`, message: `no reviewer is in the group "${group}". ${fix}` }];
    });
  const unknown = [
    ...findUnknown('/approvers', question.approvers),
    ...(question.levels ?? []).flatMap(({ approvers }, index) => findUnknown(`/levels/${index}/approvers`, approvers)),
    ...findUnknown('/escalate/to', question.escalate?.to),
  ];
  if (unknown.length > 0) return unknown;
  const { escalate, separationOfDuties = false } = question;
  const voters = (levelsOf(question) ?? []).map(({ approvers, quorum }) => {
    const asked = [...approvers, ...(escalate?.to ?? [])];
    return { approvers, quorum, people: new Set(membersOf(asked, reviewers).map(({ id }) => id)) };
  });
  return findUnfillable(voters, separationOfDuties).flatMap((index) => {
    const level = voters[index];
    if (level === undefined) return [];
    const { approvers, quorum, people } = level;
    const why =
      people.size < quorum
        ? `of whom ${people.size} may vote`
        : 'and the levels before it need some of them, who approve once with separationOfDuties';
    const message = `needs ${quorum} ${quorum === 1 ? 'approval' : 'approvals'} of ${approvers.join(', ')}, ${why}`;
    return [{ pointer: question.levels === undefined ? '/approvers' : `/levels/${index}/quorum`, message }];
  });
}

/** What would come at the deadline or after it never comes. */
function checkTimes({ ttl = DEFAULT_TTL, remind = [], escalate }: ApprovalRequest): readonly ArgumentError[] {
  const times = [
    ...remind.map((time, index) => ({ pointer: `/remind/${index}`, time })),
    ...(escalate === undefined ? [] : [{ pointer: '/escalate/after', time: escalate.after }]),
  ];
  return times
    .filter(({ time }) => durationMs(time) >= durationMs(ttl))
    .map(({ pointer, time }) => ({
      pointer,
      message: `${time} is not less than the ttl, ${ttl}, so it has no effect`,
    }));
}
