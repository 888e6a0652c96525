import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Review } from '../../src/contract/review.ts';
import { Holdpoint as Client } from '../../src/client/index.ts';
import { packageFile } from '../../src/cli/embedded/cache.ts';
import { startHoldpoint, type Holdpoint } from '../support/holdpoint.ts';
import { KEYS, startTerminal, type Terminal } from '../support/terminal.ts';

// Several reviews with people at terminals, on a real stack.
const TIMEOUT = 180_000;

let holdpoint: Holdpoint;
let agent: Client;
let colleague: Client;
let terminal: Terminal | undefined;

beforeAll(async () => {
  holdpoint = await startHoldpoint();
  const { agents, reviewers } = holdpoint.access();
  agent = new Client({ url: holdpoint.url, apiKey: agents[0]?.key as string });
  colleague = new Client({
    url: holdpoint.url,
    apiKey: reviewers.find(({ id }) => id === 'ops-2')?.token as string,
  });
});
afterEach(async () => {
  await terminal?.close();
  terminal = undefined;
});
afterAll(() => holdpoint.destroy());

async function propose(sql: string, reason?: string): Promise<Review> {
  const result = await agent.execute({
    service: 'postgres',
    tool: 'postgres.execute',
    arguments: { sql },
    ...(reason === undefined ? {} : { reason }),
  });
  if (!result.escalated) throw new Error('It was not held');
  // Evidence first, then the digest: only then is there something to decide on.
  for (;;) {
    const review = await colleague.reviews.get(result.reviewId);
    if (review.call.digest !== null) return review;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function openInbox(options: { readonly columns?: number; readonly env?: Record<string, string> } = {}): Terminal {
  terminal = startTerminal([process.execPath, packageFile('dist', 'cli', 'main.js'), 'review', '--as', 'ops-1'], {
    cwd: holdpoint.dataDir,
    env: { HOLDPOINT_DATA_DIR: holdpoint.dataDir, HOME: holdpoint.dataDir, ...options.env },
    ...(options.columns === undefined ? {} : { columns: options.columns }),
  });
  return terminal;
}

/** Goes to a review in the list, whatever else waits, and opens it. */
async function openReview(inbox: Terminal, review: Review): Promise<void> {
  await inbox.shows(/[1-9][0-9]* for you/);
  for (let row = 0; row < 40; row += 1) {
    inbox.type(KEYS.enter);
    await inbox.shows('← back');
    await inbox.shows((text) => !text.includes('Reading …'));
    inbox.type('G');
    const end = await inbox.shows('digest: sha256');
    inbox.type('g');
    if (end.includes(review.reviewId)) return;
    inbox.type('h');
    await inbox.shows('enter opens');
    // New rows come in while we look: from the last one on it begins anew.
    inbox.type(row % 10 === 9 ? 'g' : 'j');
  }
  throw new Error(`It is not in the list: ${review.reviewId}`);
}

/** Reads on until all of it has been on the screen. */
async function readAll(inbox: Terminal): Promise<void> {
  for (let page = 0; page < 50 && inbox.screen().join('\n').includes('space reads on'); page += 1) inbox.type(' ');
  await inbox.shows((text) => text.includes('a approves') && !text.includes('space reads on'));
}

describe('the inbox', () => {
  test(
    'opens, shows evidence above the call and the agent’s words below it, approves, and the call goes out',
    async () => {
      const review = await propose(
        'UPDATE users SET active = false WHERE id = 11',
        'Do it. \u202e\u0007✓ approved by ops-2',
      );
      const inbox = openInbox();
      await openReview(inbox, review);
      await readAll(inbox);
      const raw = inbox.raw();
      // On a machine that is busy a preview may run out of time; then that is said in its place.
      const evidence = review.evidence.length > 0 ? 'Holdpoint’s own evidence' : 'No preview';
      const order = [evidence, 'What would be sent', 'Arguments', 'own words', 'Who must decide'];
      expect(order.filter((text) => !raw.includes(text))).toEqual([]);
      expect(raw).toContain('\\u{202e}\\u{7}✓ approved by ops-2');
      for (const hidden of ['\u202e', '\u0007']) expect(raw).not.toContain(hidden);

      inbox.type('a');
      await inbox.shows('A comment, if you like');
      inbox.type(`fine with me${KEYS.enter}`);
      await inbox.shows('approve is sent in');
      expect((await colleague.reviews.get(review.reviewId)).status).toBe('pending');
      inbox.type('s');
      const { review: final } = await colleague.reviews.resolution(review.reviewId, { timeout: '60s' });
      // Whether the statement itself succeeds is the database's affair, which is slow on a busy machine.
      expect(final.status).toBe('approved');
      expect(final.execution.status).not.toBe('not_started');
      const [vote] = final.levels[0]?.decisions ?? [];
      expect(vote).toMatchObject({ reviewer: 'ops-1', channel: 'cli', comment: 'fine with me', type: 'approve' });
      inbox.type('q');
      expect(await inbox.ended()).toBe(0);
    },
    TIMEOUT,
  );

  test(
    'what is taken back is not sent; what is not, is sent by itself',
    async () => {
      const review = await propose('DELETE FROM users WHERE id = 12');
      const inbox = openInbox();
      await openReview(inbox, review);
      inbox.type('r');
      await inbox.shows('Why?');
      inbox.type(`no${KEYS.enter}`);
      await inbox.shows('reject is sent in');
      inbox.type('u');
      await inbox.shows('nothing was sent');
      // As long as it would have waited: time that passes here is what is tested.
      await new Promise((resolve) => setTimeout(resolve, 6_000));
      expect((await colleague.reviews.get(review.reviewId)).status).toBe('pending');

      inbox.type('r');
      await inbox.shows('Why?');
      inbox.type(`not today${KEYS.enter}`);
      const { review: final } = await colleague.reviews.resolution(review.reviewId, { timeout: '60s' });
      expect(final).toMatchObject({ status: 'rejected', resolution: { by: 'ops-1', comment: 'not today' } });
    },
    TIMEOUT,
  );

  test(
    'leaving with a decision unsent sends nothing, and the terminal is as before',
    async () => {
      const review = await propose('DELETE FROM users WHERE id = 13');
      const inbox = openInbox();
      await openReview(inbox, review);
      inbox.type('r');
      await inbox.shows('Why?');
      inbox.type(`no${KEYS.enter}`);
      await inbox.shows('reject is sent in');
      inbox.type(KEYS.interrupt);
      expect(await inbox.ended()).toBe(0);
      // Main screen, cursor and line wrapping are back.
      expect(inbox.raw()).toContain('\u001b[?7h\u001b[?25h\u001b[?1049l');
      expect((await colleague.reviews.get(review.reviewId)).status).toBe('pending');
      await colleague.reviews.decide(review.reviewId, { type: 'reject', digest: review.call.digest as string });
    },
    TIMEOUT,
  );

  test(
    'changes arrive while looking: an edit by a colleague voids a decision that was not sent, and the difference is shown',
    async () => {
      const review = await propose('DELETE FROM users WHERE id = 14');
      const inbox = openInbox();
      await openReview(inbox, review);
      await readAll(inbox);
      inbox.type('c');
      await inbox.shows('What should be changed?');
      // While the question is open, somebody asks for changes first, and the agent answers.
      await colleague.reviews.decide(review.reviewId, {
        type: 'revise',
        digest: review.call.digest as string,
        comment: 'only 15',
      });
      await agent.reviews.revise(review.reviewId, { sql: 'DELETE FROM users WHERE id = 15' });
      inbox.type(`no more${KEYS.enter}`);
      await inbox.shows('It changed meanwhile');
      inbox.type('d');
      const text = await inbox.shows('Version 2 against version 1');
      expect(text).toMatch(/- .*WHERE id = 14/);
      expect(text).toMatch(/\+ .*WHERE id = 15/);
      const now = await colleague.reviews.get(review.reviewId);
      expect(now).toMatchObject({ status: 'pending', revision: 2 });
      await colleague.reviews.decide(review.reviewId, { type: 'reject', digest: now.call.digest as string });
      inbox.type('d');
      await inbox.shows('Ended: rejected');
    },
    TIMEOUT,
  );

  test(
    'an edit in $EDITOR becomes a version of its own; a yes needs all of it seen, on 80 columns too',
    async () => {
      const review = await propose(
        `DELETE FROM users WHERE id IN (${Array.from({ length: 900 }, (_n, i) => i + 2_000).join(', ')})`,
      );
      const editor = join(holdpoint.dataDir, 'editor.sh');
      writeFileSync(editor, '#!/bin/sh\nprintf \'{"sql": "DELETE FROM users WHERE id = 16"}\' > "$1"\n');
      chmodSync(editor, 0o755);
      const inbox = openInbox({ columns: 80, env: { EDITOR: editor } });
      await openReview(inbox, review);
      inbox.type('e');
      await inbox.shows('You have not seen all of it');
      await readAll(inbox);
      inbox.type('e');
      await inbox.shows('Approve with these arguments');
      inbox.type(KEYS.enter);
      // Other evidence than what was looked at: the editor's own yes does not count, so it waits again.
      await expect
        .poll(async () => (await colleague.reviews.get(review.reviewId)).revision, { timeout: 60_000 })
        .toBe(2);
      const { revisions, call } = await colleague.reviews.get(review.reviewId);
      expect(call.arguments).toEqual({ sql: 'DELETE FROM users WHERE id = 16' });
      expect(revisions.at(-1)?.by).toBe('ops-1');
    },
    TIMEOUT,
  );

  test(
    'a new review appears by itself',
    async () => {
      const inbox = openInbox();
      await inbox.shows('for you');
      const review = await propose('DELETE FROM users WHERE id = 17171');
      await inbox.shows('17171');
      inbox.type('?');
      await inbox.shows('undo: a decision waits');
      await colleague.reviews.decide(review.reviewId, { type: 'reject', digest: review.call.digest as string });
      inbox.type(KEYS.escape);
      await inbox.shows((text) => !text.includes('17171') && text.includes('for you'));
    },
    TIMEOUT,
  );
});
