import type { DecisionType, Review } from '../../contract/review.ts';
import { repeatsToConfirm } from '../../domain/related.ts';
import { canBeStopped } from '../../domain/stop.ts';
import { markup, shownToHtml, unlinked, type Html } from '../../domain/show/to-html.ts';
import { showReview } from '../../domain/show/show-review.ts';
import type { ShowOptions } from '../../domain/show/shown.ts';
import { layOutText } from '../../domain/show/to-text.ts';

/** Decisions that take no more than a choice and a comment; the others are for the dashboard. */
const CHOICES = [
  ['approve', 'Approve exactly this'],
  ['reject', 'Reject'],
  ['revise', 'Ask for changes'],
] as const satisfies readonly (readonly [DecisionType, string])[];
export type MailChoice = (typeof CHOICES)[number][0];

export function isMailChoice(text: string | undefined): text is MailChoice {
  return CHOICES.some(([type]) => type === text);
}

export interface DecisionPage {
  readonly review: Review;
  readonly reviewer: string;
  readonly formToken: string;
  readonly reviewUrl: string;
  /** What the files in force say about it, and its versions. */
  readonly shownBy: Pick<ShowOptions, 'tool' | 'pinned' | 'shortfall' | 'reasons' | 'materials'>;
  readonly now: number;
  /** What was wrong with the form that was sent, and what had been written in it. */
  readonly again?: { readonly code: string; readonly message: string; readonly comment: string };
}

/**
 * The review in full, then the form. Nothing is preselected and nothing is sent by following a link: a decision takes a
 * choice and a press, which neither a mail scanner nor a browser that fetches ahead makes.
 */
export function decisionPage(page: DecisionPage): string {
  const { review, reviewer, now, reviewUrl } = page;
  const shown = layOutText(showReview(review, { now, ...page.shownBy }));
  return documentOf(
    shown.title,
    markup`<h1>${unlinked(shown.title)}</h1>
<p>You are here as <strong>${reviewer}</strong>, by a link from a mail. What you send is recorded in that name. If you are somebody else, close this page.</p>
${shownToHtml(shown)}${formOf(page)}
<p><a href="${reviewUrl}" rel="noreferrer">Sign in</a> to change the arguments, or to see the whole history.</p>
<p class="foot">review: ${review.reviewId}<br>digest: ${review.call.digest ?? ''}</p>`,
  );
}

function formOf({ review, formToken, again }: DecisionPage): Html {
  const stops = canBeStopped(review);
  const choices = CHOICES.filter(([type]) => review.allowedDecisions.includes(type)).map(
    ([type, label]) =>
      markup`<label><input type="radio" name="decision" value="${type}" required> ${stops ? 'Stop it before it runs' : label}</label>\n`,
  );
  const problem =
    again === undefined
      ? []
      : [markup`<p class="warning" role="alert">${again.message} <code>${again.code}</code></p>\n`];
  return markup`<form method="post" autocomplete="off">
<h2>Your decision</h2>
${problem}${stops ? [markup`<p>The call was approved and has not run yet.</p>\n`] : []}<input type="hidden" name="form" value="${formToken}">
<fieldset><legend>On exactly what is shown above</legend>
${choices}</fieldset>
${repeatsOf(review)}<label for="comment">${stops ? 'Comment (optional)' : 'Comment (required to reject or ask for changes; the proposer sees it)'}</label>
<textarea id="comment" name="comment" rows="4" maxlength="4000">${again?.comment ?? ''}</textarea>
<button type="submit">Send decision</button>
</form>`;
}

/** Fields of the form that name an equal call begin with it. */
export const REPEAT = 'repeat-';

/** To be ticked with a yes: the call is meant to be made although an equal one waits or has run. */
function repeatsOf({ related }: Review): readonly Html[] {
  return repeatsToConfirm(related).map(
    ({ reviewId }) =>
      markup`<label><input type="checkbox" name="${REPEAT}${reviewId}"> Yes, make this call again (the same call: ${reviewId})</label>\n`,
  );
}

/** A plain answer: what came of it, with its code. */
export function answerPage(answer: {
  readonly heading: string;
  readonly code: string;
  readonly httpStatus: number;
  readonly lines: readonly string[];
  readonly reviewUrl: string | null;
}): string {
  const { heading, code, httpStatus, lines, reviewUrl } = answer;
  const door =
    reviewUrl === null ? [] : [markup`<p><a href="${reviewUrl}" rel="noreferrer">Sign in to see the review</a></p>\n`];
  return documentOf(
    heading,
    markup`<h1>${heading}</h1>
${lines.map((line) => markup`<p>${line}</p>\n`)}${door}<p class="foot">${httpStatus} <code>${code}</code></p>`,
  );
}

function documentOf(title: string, body: Html): string {
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex,nofollow">
<meta name="format-detection" content="telephone=no,date=no,address=no,email=no,url=no">
<title>${title} · Holdpoint</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="../mail.css">
</head>
<body><main>
${body}
</main></body>
</html>
`.html;
}

export const MAIL_PAGE_CSS = `
:root{color-scheme:light dark;--line:#6e7781;--text:#1f2328;--back:#fff;--link:#0550ae;--ours:#1a7f37;--theirs:#9a6700;--warn:#bc4c00}
@media (prefers-color-scheme:dark){:root{--line:#8b949e;--text:#e6edf3;--back:#0d1117;--link:#79c0ff;--ours:#3fb950;--theirs:#d29922;--warn:#f0883e}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--text);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:48rem;margin:0 auto;padding:1rem}
h1{font-size:1.4rem;overflow-wrap:anywhere}
h2{font-size:1.1rem;margin:1.5rem 0 .5rem}
h3{font-size:1rem;margin:.8rem 0 .3rem}
section{border-left:4px solid var(--line);padding-left:.8rem}
.voice-holdpoint{border-color:var(--ours)}
.voice-call{border-color:var(--link)}
.voice-agent,.voice-reviewer{border-color:var(--theirs)}
dl{margin:0}dt{font-weight:600}dd{margin:0 0 .4rem;overflow-wrap:anywhere}
pre{white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid var(--line);padding:.5rem;margin:.3rem 0}
blockquote{margin:.3rem 0;padding-left:.6rem;border-left:2px dotted var(--theirs);font-style:italic}
blockquote p{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}
.wide{overflow-x:auto}table{border-collapse:collapse}th,td{border:1px solid var(--line);padding:.15rem .4rem;text-align:left}
.warning{border:2px solid var(--warn);padding:.4rem;font-weight:600}
a{color:var(--link)}
form{border-top:2px solid var(--line);margin-top:1.5rem}
fieldset{border:1px solid var(--line);margin:0 0 1rem}
fieldset label{display:block;padding:.7rem 0}
input[type=radio]{width:1.2rem;height:1.2rem;vertical-align:middle}
textarea{width:100%;font:inherit;background:var(--back);color:var(--text);border:1px solid var(--line)}
button{font:inherit;font-weight:600;padding:.8rem 1.4rem;margin:1rem 0;min-height:2.75rem;background:var(--link);color:var(--back);border:0;border-radius:.4rem}
:focus-visible{outline:3px solid var(--theirs);outline-offset:2px}
.foot{font-size:.85rem;overflow-wrap:anywhere}
`;
