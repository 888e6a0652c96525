import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { until, type World } from '../../support/e2e-world.ts';
import { startProgram, type Program } from '../../support/programs.ts';
import type { Gate } from './gate.ts';

export interface ExamplesWorld {
  readonly world: World;
  readonly gate: Gate;
  /** A real PostgreSQL for LangGraph's checkpoints. */
  readonly checkpoints: string;
  /** Where the example's callbacks go: a port that nobody listens on until it does. */
  readonly callback: string;
  /** Python with langgraph. */
  readonly python: string;
}

let id = 100;
/** A statement that hits one row of its own. */
function newSql(): { readonly sql: string; readonly id: number } {
  id += 1;
  return { sql: `DELETE FROM users WHERE id = ${id}`, id };
}

/** The programs in `examples/` as a user runs them, with the built package. */
export function describeExamples(get: () => ExamplesWorld): void {
  const start = (command: string, args: readonly string[], pattern: RegExp, env: Record<string, string> = {}) => {
    const { world } = get();
    const access = { HOLDPOINT_URL: world.holdpoint.url, HOLDPOINT_API_KEY: world.deployment.credentials['agent-1'] };
    return startProgram(command, args, pattern, { env: { ...access, ...env } });
  };
  const node = (example: string, args: readonly string[], pattern: RegExp, env?: Record<string, string>) =>
    start(process.execPath, [`examples/${example}`, ...args], pattern, env);
  const isThere = async (user: number): Promise<boolean> => {
    const { body } = await get().world.execute('postgres.select', { sql: `SELECT id FROM users WHERE id = ${user}` });
    if (body.outcome !== 'EXECUTED') throw new Error(JSON.stringify(body));
    return (body.execution.body as { readonly rows: readonly unknown[] }).rows.length === 1;
  };

  describe('examples', () => {
    test('vercel-ai: approved', async () => {
      const { gate } = get();
      const call = newSql();
      const running = node('vercel-ai/agent.mjs', [call.sql], /It ended as (\w+)/);
      const review = await gate.pending('sql', call.sql);
      expect(await isThere(call.id)).toBe(true);
      await gate.decide(review, { type: 'approve' });
      expect((await running).found[1]).toBe('executed');
      expect(await isThere(call.id)).toBe(false);
    });

    test('openai-agents: rejected', async () => {
      const { gate } = get();
      const call = newSql();
      const running = node('openai-agents/agent.mjs', [call.sql], /It ended as (\w+)\.\n/);
      await gate.decide(await gate.pending('sql', call.sql), { type: 'reject', comment: 'Keep them' });
      const { found, output } = await running;
      expect(found[1]).toBe('rejected');
      expect(output()).toContain('Keep them');
      expect(await isThere(call.id)).toBe(true);
    });

    test('python: pending_approval, resumed on resolution', async () => {
      const { gate, python } = get();
      const call = newSql();
      const running = start(python, ['examples/python/agent.py', call.sql], /It ended as (\w+)/);
      const review = await gate.pending('sql', call.sql);
      await gate.decide(review, { type: 'approve' });
      const { found, output } = await running;
      expect(found[1]).toBe('executed');
      expect(output()).toContain(`pending_approval ${review.reviewId}`);
      expect(await isThere(call.id)).toBe(false);
    });

    test('langgraph without a database, against the Holdpoint that runs here: it waits, resumes and ends', async () => {
      const { gate, world } = get();
      const call = newSql();
      const { directory, credentials } = world.deployment;
      // As the demo writes it down.
      const access = { url: world.holdpoint.url, agents: [{ id: 'agent-1', key: credentials['agent-1'] }] };
      writeFileSync(join(directory, 'access.json'), JSON.stringify(access), { mode: 0o600 });
      const none = { HOLDPOINT_URL: undefined, HOLDPOINT_API_KEY: undefined, DATABASE_URL: undefined };
      const env = { ...none, HOLDPOINT_DATA_DIR: directory };
      const running = startProgram(process.execPath, ['examples/langgraph/agent.mjs', call.sql], /The tool said (.*)/, {
        env,
      });
      const review = await gate.pending('sql', call.sql);
      await gate.decide(review, { type: 'approve' });
      const outcome = JSON.parse((await running).found[1] as string) as unknown;
      expect(outcome).toMatchObject({ status: 'executed', reviewId: review.reviewId });
      expect(await isThere(call.id)).toBe(false);
    });

    describe('langgraph on PostgreSQL', () => {
      const proposed = async (thread: string, sql: string): Promise<string> => {
        const { checkpoints, callback } = get();
        const env = { DATABASE_URL: checkpoints, CALLBACK: callback };
        const first = await node('langgraph/agent.mjs', [sql, thread], /waits for (rev_\w+)/, env);
        await first.stop();
        return first.found[1] as string;
      };

      test('the thread is resumed on the callback, by a process that came after the yes', async () => {
        const { gate, checkpoints, callback } = get();
        const call = newSql();
        const reviewId = await proposed('lg-callback', call.sql);
        const review = await gate.pending('sql', call.sql);
        expect(review).toMatchObject({ reviewId, threadId: 'lg-callback' });
        await gate.decide(review, { type: 'approve' });
        await gate.agent.review(reviewId).resolution();
        const env = { DATABASE_URL: checkpoints, CALLBACK: callback, PORT: new URL(callback).port };
        const server: Program = await node('langgraph/agent.mjs', ['--serve'], /listening on/, env);
        try {
          const resumed = await until(() => /lg-callback resumed: (.*)/.exec(server.output()) ?? undefined, {
            what: 'the callback',
            withinMs: 180_000,
          });
          expect(resumed[1]).toContain(`"status":"executed"`);
          expect(await isThere(call.id)).toBe(false);
          const forged = await fetch(callback, { method: 'POST', body: JSON.stringify({ data: { reviewId } }) });
          expect(forged.status).toBe(400);
        } finally {
          await server.stop();
        }
      });

      test('a new process follows a thread that an earlier one began', async () => {
        const { gate, checkpoints, callback } = get();
        const call = newSql();
        const reviewId = await proposed('lg-follow', call.sql);
        const following = node('langgraph/agent.mjs', ['--follow', 'lg-follow'], /The tool said (.*)/, {
          DATABASE_URL: checkpoints,
          CALLBACK: callback,
        });
        await gate.decide(await gate.pending('sql', call.sql), { type: 'reject', comment: 'Keep them' });
        const outcome = JSON.parse((await following).found[1] as string) as unknown;
        expect(outcome).toMatchObject({ status: 'rejected', reviewId, comment: 'Keep them', retryable: false });
        expect(await isThere(call.id)).toBe(true);
      });
    });
  });
}
