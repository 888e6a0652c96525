import { createHmac } from 'node:crypto';
import type { Request, Response } from 'express';
import { isSameSecret } from '../http/auth.ts';
import { readRaw } from '../http/body.ts';
import { endpoint, type Endpoint, type Reply } from '../http/endpoint.ts';
import { countDecision, type ApiMetrics } from '../http/metrics.ts';
import type { Sessions } from '../http/session.ts';
import {
  answerPage,
  decisionPage,
  isMailChoice,
  MAIL_PAGE_CSS,
  REPEAT,
  type DecisionPage,
  type MailChoice,
} from '../page/mail-decision.ts';
import type { ReviewerPrincipal } from '../principal.ts';
import { pointerStep } from '../../contract/pointer.ts';
import { ProblemError } from '../problem.ts';
import { keysInForce, type ServiceContext } from '../service/context.ts';
import { decide } from '../service/decide.ts';
import type { Caller, Settled } from '../service/types.ts';
import { MAIL_LINK_ANSWERS, PROBLEMS, type MailLinkAnswer, type ProblemCode } from '../../contract/codes.ts';
import { BODY_LIMITS } from '../../contract/constants.ts';
import { reviewIdSchema, type ReviewId } from '../../contract/ids.ts';
import type { Review } from '../../contract/review.ts';
import { checkMailLink } from '../../domain/mail-decision.ts';
import { findReviewer } from '../../domain/policy/settings.ts';
import { publicKeyOf } from '../../domain/proof/dsse.ts';
import { withRelated } from '../../domain/related.ts';
import { readMailLink, type MailLink } from '../../domain/proof/mail-link.ts';
import { shownBy } from '../../domain/show/shown-by.ts';
import { canBeStopped, queuedDecisionWords, wasStopped } from '../../domain/stop.ts';

/** A page that was open for longer is loaded again first. Ms. */
const FORM_GOOD_FOR = 3_600_000;

interface MailDecisionDeps extends ServiceContext {
  readonly sessions: Pick<Sessions, 'read'>;
  /** The same in every api process; forms are signed with it. */
  readonly sessionSecret: () => string;
  readonly metrics: ApiMetrics;
}

interface Opened {
  readonly link: MailLink;
  readonly review: Review;
}

type Refusal = MailLinkAnswer | ProblemCode;

/**
 * The page behind a link in a mail. Following the link, as mail scanners, previews and browsers that fetch ahead do,
 * changes nothing: a decision takes a POST of the form on the page, with a choice made. Every refusal and every problem is a page too.
 */
export function mailDecisionEndpoints(deps: MailDecisionDeps): Endpoint[] {
  const forms = createFormTokens(deps.sessionSecret, FORM_GOOD_FOR);
  const page = {
    path: '/mail/{link}',
    tag: 'Pages',
    summary: 'Page behind a link in a mail',
    who: 'public',
    role: 'review',
    answers: { 200: { description: 'The page', contentType: 'text/html' } },
    problems: [],
    hidden: true,
  } as const;
  return [
    endpoint({
      ...page,
      method: 'get',
      isCharged: 'as-page',
      handle: ({ req, res, caller }) =>
        answering(res, caller, async () => {
          const { link, review } = await open(deps, req, res);
          return htmlReply(200, decisionPage(await pageOf(deps, forms, req, link, review, caller)));
        }),
    }),
    endpoint({
      ...page,
      method: 'post',
      handle: ({ req, res, caller }) => answering(res, caller, () => decideByForm(deps, forms, req, res, caller)),
    }),
    endpoint({
      ...page,
      method: 'get',
      path: '/mail.css',
      handle: () => ({ status: 200, text: MAIL_PAGE_CSS, contentType: 'text/css; charset=utf-8' }),
    }),
  ];
}

async function decideByForm(
  deps: MailDecisionDeps,
  forms: FormTokens,
  req: Request,
  res: Response,
  caller: Caller,
): Promise<Reply> {
  // Told by the headers alone.
  if (typeof req.is(FORM) !== 'string') throw notAForm();
  // The link is the credential: without one that holds, the form is not even read.
  const { link, review } = await open(deps, req, res);
  const fields = await readForm(req, res);
  if (!forms.holds(fields.get('form') ?? '', linkOf(req), deps.clock.now())) throw new Refused('form_expired', link);
  const type = fields.get('decision');
  const comment = (fields.get('comment') ?? '').trim();
  const again = async (code: ProblemCode, message: string): Promise<Reply> => {
    const shown = await pageOf(deps, forms, req, link, review, caller);
    return htmlReply(PROBLEMS[code].status, decisionPage({ ...shown, again: { code, message, comment } }));
  };
  if (!isMailChoice(type) || comment.length > 4_000) return again('invalid_request', 'Choose one of the decisions.');
  if (type !== 'approve' && comment === '' && !canBeStopped(review))
    return again('comment_required', 'Add a comment: rejections and requests for changes need one.');
  const repeats = type === 'approve' ? repeatsIn(fields) : [];
  const decision = {
    type,
    digest: link.digest,
    ...(comment === '' ? {} : { comment }),
    ...(repeats.length === 0 ? {} : { repeats }),
  };
  try {
    const settled = await countDecision(deps.metrics, type, () =>
      decide(deps, principalOf(deps, link), link.reviewId as ReviewId, decision, caller),
    );
    return settledReply(settled, type, link, caller);
  } catch (error) {
    if (error instanceof ProblemError && error.code === 'repeat_not_confirmed') {
      return again(
        error.code,
        'The same call is waiting or has already run: confirm that you want it twice, or reject.',
      );
    }
    // What may pass says when to come again, as it does everywhere on this page.
    const isOfTheReview = error instanceof ProblemError && error.retryAfterSeconds === undefined && error.status < 500;
    throw isOfTheReview ? new Refused(error.code, link) : error;
  }
}

/** Equal calls that were ticked: that this one is meant to be made as well. */
function repeatsIn(fields: ReadonlyMap<string, string>): ReviewId[] {
  const named = [...fields.keys()].filter((name) => name.startsWith(REPEAT)).map((name) => name.slice(REPEAT.length));
  return named.filter((id) => reviewIdSchema.safeParse(id).success).slice(0, 50);
}

/** The link and its review, where the link holds now. Throws {@link Refused}. */
async function open(deps: MailDecisionDeps, req: Request, res: Response): Promise<Opened> {
  const keys = keysInForce(deps.trustedKeys(), 'mail').map(({ publicKey }) => publicKeyOf(publicKey));
  const link = readMailLink(linkOf(req), keys);
  if (link === undefined) throw new Refused('link_not_valid');
  const session = await deps.sessions.read(req, res);
  const review = (await deps.store.readReview(link.reviewId as ReviewId))?.review;
  if (review === undefined) throw new Refused('link_not_valid');
  const refusal = checkMailLink(link, review, deps.settings.current(), deps.clock.now(), session?.id);
  if (refusal !== undefined) throw new Refused(refusal, link);
  return { link, review };
}

function linkOf(req: Request): string {
  return String(req.params['link']);
}

function principalOf({ settings }: MailDecisionDeps, link: MailLink): ReviewerPrincipal {
  const reviewer = findReviewer(settings.current(), link.reviewer);
  if (reviewer === undefined) throw new Refused('link_not_valid');
  return { kind: 'reviewer', id: reviewer.id, reviewer, method: 'link', channel: 'email' };
}

async function pageOf(
  { settings, store, clock }: MailDecisionDeps,
  forms: FormTokens,
  req: Request,
  link: MailLink,
  review: Review,
  caller: Caller,
): Promise<DecisionPage> {
  const materials = review.revision > 1 ? ((await store.readRecord(review.reviewId))?.materials ?? []) : [];
  const now = clock.now();
  return {
    review: withRelated(review, await store.proposedCalls.related(review)),
    reviewer: link.reviewer,
    formToken: forms.issue(linkOf(req), now),
    reviewUrl: `${caller.baseUrl}/reviews/${review.reviewId}`,
    shownBy: { ...shownBy(settings.current(), review), materials },
    now,
  };
}

class Refused extends Error {
  override readonly name = 'Refused';
  readonly code: Refusal;
  readonly link: MailLink | undefined;
  constructor(code: Refusal, link?: MailLink) {
    super(code);
    this.code = code;
    this.link = link;
  }
}

/** Every refusal of a link as a page. What else goes wrong is told by {@link mailProblemPage}. */
async function answering(res: Response, caller: Caller, work: () => Promise<Reply>): Promise<Reply> {
  closePage(res);
  try {
    return await work();
  } catch (error) {
    if (error instanceof Refused) return refusedReply(error.code, error.link, caller);
    throw error;
  }
}

/** Stricter than elsewhere: this page has no script at all. */
function closePage(res: Response): void {
  res.setHeader(
    'Content-Security-Policy',
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  );
  res.setHeader('X-Robots-Tag', 'noindex, nofollow');
}

/** Problems below `/mail/` as a page too, whoever found them: the router, a limit, or a database that is away. */
export function mailProblemPage(req: Request, res: Response, problem: ProblemError): string | undefined {
  if (!req.path.startsWith('/mail/')) return undefined;
  closePage(res);
  const { code, status: httpStatus, retryAfterSeconds } = problem;
  const again =
    retryAfterSeconds === undefined ? [] : [`Try again in ${retryAfterSeconds} s: the link is still valid.`];
  const lines = [...(httpStatus === 500 ? [] : ['Nothing was decided.']), ...again];
  return answerPage({ heading: PROBLEMS[code].title, code, httpStatus, lines, reviewUrl: null });
}

const EXPLAINED: Partial<Record<Refusal, string>> = {
  link_not_valid: 'It may have been truncated by a mail program, or revoked. If you are a reviewer, sign in instead.',
  link_of_another:
    'Another reviewer is signed in in this browser. Links in mails are only for the person they were sent to.',
  sign_in_required: 'Policy does not accept this decision from a mail. Sign in and decide there.',
  digest_mismatch: 'The call has changed since the email was sent. Open the review to see the new version.',
  already_voted: 'Your decision on this version was already recorded; this link does nothing more.',
  already_started: 'The call has already started, so it could not be stopped.',
  already_resolved: 'The review has already ended. Nothing was changed.',
  expired: 'No decision was made in time, so the answer was no. Nothing was changed.',
};

function refusedReply(code: Refusal, link: MailLink | undefined, caller: Caller): Reply {
  const { status, title } = Object.hasOwn(MAIL_LINK_ANSWERS, code)
    ? MAIL_LINK_ANSWERS[code as MailLinkAnswer]
    : PROBLEMS[code as ProblemCode];
  const explained = EXPLAINED[code];
  const lines = ['Nothing was decided.', ...(explained === undefined ? [] : [explained])];
  const reviewUrl = link === undefined ? null : `${caller.baseUrl}/reviews/${link.reviewId}`;
  return htmlReply(status, answerPage({ heading: title, code, httpStatus: status, lines, reviewUrl }));
}

function settledReply(settled: Settled, type: MailChoice, link: MailLink, caller: Caller): Reply {
  const { httpStatus } = settled;
  const queued = httpStatus === 202;
  return htmlReply(
    httpStatus,
    answerPage({
      heading: queued ? 'Your decision is stored' : 'Your decision is recorded',
      code: queued ? 'queued' : 'accepted',
      httpStatus,
      lines: [
        `“${type}”, in the name of ${link.reviewer}.`,
        queued
          ? `It is ${queuedDecisionWords(type)}. The review shows the result.`
          : wasStopped(settled.review)
            ? 'The call was stopped before it ran.'
            : `The review is now ${settled.review.status}.`,
      ],
      reviewUrl: `${caller.baseUrl}/reviews/${link.reviewId}`,
    }),
  );
}

function htmlReply(status: number, text: string): Reply {
  return { status, text, contentType: 'text/html; charset=utf-8' };
}

const FORM = 'application/x-www-form-urlencoded';

function notAForm(): ProblemError {
  return new ProblemError('unsupported_media_type', { detail: `Send the form with the header Content-Type: ${FORM}.` });
}

/** Fields of a form that a browser sent. Throws `payload_too_large` and `invalid_request`. */
async function readForm(req: Request, res: Response): Promise<ReadonlyMap<string, string>> {
  const body = await readRaw(req, res, { limit: BODY_LIMITS.mailForm, type: FORM });
  if (body === undefined) throw notAForm();
  const fields = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(body.toString('utf8'))) {
    if (fields.has(name)) {
      throw new ProblemError('invalid_request', {
        errors: [{ pointer: pointerStep(name), message: 'must be given once' }],
      });
    }
    fields.set(name, value.replace(/\r\n/g, '\n'));
  }
  return fields;
}

/**
 * Shows that a form was written by us, for one purpose, and not long ago; needs no cookie. `secret`: the same in every api
 * process. `goodFor`: ms.
 */
function createFormTokens(secret: () => string, goodFor: number) {
  const macOf = (at: string, purpose: string): Buffer =>
    createHmac('sha256', secret()).update(`holdpoint form v1\n${at}\n${purpose}`).digest();
  return {
    issue: (purpose: string, now: number): string => `${now}.${macOf(String(now), purpose).toString('base64url')}`,
    holds(token: string, purpose: string, now: number): boolean {
      const [at = '', mac = ''] = token.split('.');
      return isSameSecret(Buffer.from(mac, 'base64url'), macOf(at, purpose)) && now - Number(at) < goodFor;
    },
  };
}

type FormTokens = ReturnType<typeof createFormTokens>;
