/** A page that is honest about being small: signs in, lists what is pending, says how to decide without it. */
export const HOME_HTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Holdpoint</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/home.css">
</head>
<body>
<main>
<h1>Holdpoint</h1>
<p id="who">…</p>
<form id="sign-in" hidden>
<label>Reviewer token <input name="token" type="password" autocomplete="off" required></label>
<button>Sign in</button>
</form>
<button id="sign-out" hidden>Sign out</button>
<section id="pending" hidden>
<h2>Waiting for a decision</h2>
<ul id="list"></ul>
</section>
<section id="review" hidden>
<h2 id="review-id"></h2>
<pre id="state"></pre>
</section>
<section>
<h2>Deciding</h2>
<p>The page on which reviewers decide comes with the next release. Until then decide on the command line:</p>
<pre>npx holdpoint review list
npx holdpoint review show REVIEW
npx holdpoint review approve REVIEW</pre>
<p>or through the <a href="/docs">HTTP API</a>.</p>
</section>
</main>
<script src="/home.js"></script>
</body>
</html>
`;

export const HOME_CSS = `body{font:16px/1.5 system-ui,sans-serif;margin:0;color:#1b1f24;background:#fff}
main{max-width:60rem;margin:2rem auto;padding:0 1rem}
pre{background:#f4f5f7;padding:.75rem;overflow:auto;white-space:pre-wrap;overflow-wrap:anywhere}
li{margin:.5rem 0}
li,h2{overflow-wrap:anywhere}
input,button{font:inherit;padding:.25rem .5rem}
`;

/** Text goes in as text: what agents write is never taken for markup. */
export const HOME_SCRIPT = `'use strict';
const byId = (id) => document.getElementById(id);
const call = (method, path, body, csrf) => fetch(path, {
  method,
  headers: { ...(body ? { 'content-type': 'application/json' } : {}), ...(csrf ? { 'x-csrf-token': csrf } : {}) },
  ...(body ? { body: JSON.stringify(body) } : {}),
});
async function signIn(token) {
  const response = await call('POST', '/v1/session', { token });
  if (!response.ok) byId('who').textContent = 'This link or token is not valid (any more).';
  return response.ok;
}
async function show() {
  const response = await call('GET', '/v1/session');
  const signedIn = response.ok;
  byId('sign-in').hidden = signedIn;
  byId('sign-out').hidden = !signedIn;
  if (!signedIn) return;
  const session = await response.json();
  byId('who').textContent = 'Signed in as ' + session.reviewer.id + ' (' + session.reviewer.groups.join(', ') + ')';
  byId('sign-out').onclick = async () => {
    await call('DELETE', '/v1/session', undefined, session.csrfToken);
    location.reload();
  };
  const id = /^\\/reviews\\/([^/]+)$/.exec(location.pathname);
  if (id) await showReview(id[1]);
  await showPending();
}
async function showPending() {
  const response = await call('GET', '/v1/reviews?status=pending,changes_requested');
  if (!response.ok) return;
  const { reviews } = await response.json();
  byId('pending').hidden = false;
  byId('list').replaceChildren(...reviews.map((review) => {
    const item = document.createElement('li');
    const link = document.createElement('a');
    link.href = '/reviews/' + encodeURIComponent(review.reviewId);
    link.textContent = review.summary;
    item.append(link, ' — ' + review.proposer.id + ', until ' + (review.expiresAt || 'classified'));
    return item;
  }));
  if (reviews.length === 0) byId('list').textContent = 'Nothing.';
}
async function showReview(id) {
  const response = await call('GET', '/v1/reviews/' + id);
  byId('review').hidden = false;
  byId('review-id').textContent = decodeURIComponent(id);
  byId('state').textContent = response.ok ? JSON.stringify(await response.json(), null, 2) : 'No such review.';
}
byId('sign-in').onsubmit = async (event) => {
  event.preventDefault();
  const field = event.target.elements.token;
  if (await signIn(field.value.trim())) await show();
  field.value = '';
};
(async () => {
  byId('who').textContent = 'Not signed in. Open the sign-in link that the start printed, or enter your token.';
  const token = /^#(?:token=)?(hpl_[A-Za-z0-9_-]+)$/.exec(location.hash);
  // Out of the address bar and the history before anything else happens.
  if (location.hash) history.replaceState(null, '', location.pathname);
  if (token) await signIn(token[1]);
  await show();
})();
`;
