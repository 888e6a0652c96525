import { markup, shownToHtml, unlinked, type Html } from '../../../../domain/show/to-html.ts';
import { shownToText, type TextShown } from '../../../../domain/show/to-text.ts';

/** Where a mail leads from a review. */
export type ReviewLink =
  /** The page on which this person may decide, without signing in. */
  | { readonly kind: 'decide'; readonly url: string }
  /** The review itself, which asks for a session. `decides`: this person could decide there. */
  | { readonly kind: 'review'; readonly url: string; readonly decides: boolean }
  /** Policy wants no link from a mail to a decision, or the public URL is unknown. */
  | { readonly kind: 'none' };

/** What a mail says of one review: what happened to it, what it is now, and where to go. */
export interface MailPart {
  readonly reviewId: string;
  readonly sentences: readonly string[];
  /** Null: named only. */
  readonly shown: TextShown | null;
  readonly title: string;
  readonly link: ReviewLink;
}

const OWN_LINK = 'This link is personal: anyone who has it can decide in your name. Do not forward it.';

export function renderText(parts: readonly MailPart[], deploymentId: string): string {
  const blocks = parts.map((part) => [
    part.title,
    ...part.sentences,
    ...linkToText(part.link),
    ...(part.shown === null ? [] : shownToText(part.shown)),
    ...(part.shown?.clipped === true ? ['', clippedNote(part.link)] : []),
    '',
    `review: ${part.reviewId}`,
  ]);
  return [
    ...blocks.flatMap((lines, index) => (index === 0 ? lines : ['', '─'.repeat(60), '', ...lines])),
    '',
    footOf(deploymentId),
  ].join('\n');
}

function linkToText(link: ReviewLink): string[] {
  switch (link.kind) {
    case 'decide':
      return ['', 'Review the call and decide:', link.url, OWN_LINK];
    case 'review':
      return ['', link.decides ? 'Sign in to review and decide:' : 'Sign in to see all of it:', link.url];
    case 'none':
      return ['', 'There is no link in this mail: sign in to Holdpoint as you usually do.'];
    default:
      return link satisfies never;
  }
}

/** One mail, without a script, an image or anything else to be fetched. */
export function renderHtml(parts: readonly MailPart[], deploymentId: string): string {
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="format-detection" content="telephone=no,date=no,address=no,email=no,url=no">
<title>Holdpoint</title>
<style>${{ html: MAIL_CSS }}</style>
</head>
<body>
${parts.map(partToHtml)}
<p class="foot">${footOf(deploymentId)}</p>
</body>
</html>
`.html;
}

function partToHtml(part: MailPart): Html {
  const { title, sentences, link, shown, reviewId } = part;
  const clipped = shown?.clipped === true ? [markup`<p class="warning">${clippedNote(link)}</p>\n`] : [];
  return markup`<article>
<h1>${unlinked(title)}</h1>
${sentences.map((sentence) => markup`<p>${sentence}</p>\n`)}${linkToHtml(link)}
${shown === null ? [] : shownToHtml(shown)}${clipped}<p class="foot">review: ${reviewId}</p>
</article>
`;
}

function linkToHtml(link: ReviewLink): Html {
  switch (link.kind) {
    case 'decide':
      return markup`<p><a class="button" href="${link.url}">Review the call and decide</a></p>\n<p>${OWN_LINK}</p>`;
    case 'review': {
      const text = link.decides ? 'Sign in to review and decide' : 'Sign in to see all of it';
      return markup`<p><a class="button" href="${link.url}">${text}</a></p>`;
    }
    case 'none':
      return markup`<p>There is no link in this mail: sign in to Holdpoint as you usually do.</p>`;
    default:
      return link satisfies never;
  }
}

function clippedNote(link: ReviewLink): string {
  const where = link.kind === 'none' ? 'in Holdpoint' : 'behind the link above';
  return `Some of this was too long for an email and is marked as cut. Read all of it ${where} before you decide.`;
}

function footOf(deploymentId: string): string {
  return `Sent by Holdpoint (${deploymentId}). Replies are not read and decide nothing.`;
}

/** For mail programs: a few old properties, nothing fetched, nothing that a missing style sheet would make unreadable. */
const MAIL_CSS = `
body{font-family:system-ui,-apple-system,"Segoe UI",sans-serif;font-size:16px;line-height:1.45;max-width:720px;margin:0 auto;padding:16px}
h1{font-size:20px;margin:16px 0 8px;word-break:break-word}
h2{font-size:16px;margin:20px 0 6px}
h3{font-size:14px;margin:10px 0 4px}
article+article{border-top:3px solid #888;margin-top:32px}
section{border-left:4px solid #888;padding-left:12px}
.voice-holdpoint{border-color:#1a7f37}
.voice-call{border-color:#0550ae}
.voice-agent,.voice-reviewer{border-color:#9a6700}
dl{margin:0}
dt{font-weight:600}
dd{margin:0 0 6px;overflow-wrap:anywhere}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:14px;border:1px solid #888;padding:8px;margin:4px 0}
blockquote{margin:4px 0;padding-left:10px;border-left:2px dotted #9a6700;font-style:italic}
blockquote p{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}
table{border-collapse:collapse;font-size:14px}
th,td{border:1px solid #888;padding:2px 6px;text-align:left;overflow-wrap:anywhere}
.wide{overflow-x:auto}
.warning{font-weight:600;border:2px solid #bc4c00;padding:6px}
a.button{display:inline-block;padding:12px 20px;background:#0550ae;color:#fff;text-decoration:none;border-radius:6px;font-weight:600}
.foot{font-size:13px;color:#666}
`;
