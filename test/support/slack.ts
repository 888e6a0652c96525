import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A stand-in of Slack, after its documentation: the Web API's `chat.postMessage` and `chat.update`
 * (https://docs.slack.dev/reference/methods), incoming webhooks (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks),
 * and the limits of Block Kit that it refuses messages for (https://docs.slack.dev/reference/block-kit/blocks).
 */
export interface SlackStub {
  readonly apiUrl: string;
  readonly webhookUrl: string;
  readonly token: string;
  /** Every request that came, in order. */
  readonly requests: readonly SlackRequest[];
  /** Messages as they stand now. */
  readonly messages: ReadonlyMap<string, SlackMessageState>;
  /** What the next request is answered with instead. */
  failNext(answer: { readonly status: number; readonly body?: unknown; readonly retryAfter?: string }): void;
  forget(ts: string): void;
  stop(): Promise<void>;
}
export interface SlackRequest {
  readonly path: string;
  readonly authorization: string | undefined;
  // oxlint-disable-next-line typescript/no-explicit-any -- JSON as it came
  readonly body: any;
}
export interface SlackMessageState {
  readonly channel: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- blocks as they came
  readonly blocks: readonly any[];
  readonly text: string;
  readonly thread: string | undefined;
}

export const SLACK_TOKEN = 'xoxb-test-token';

export async function startSlack(): Promise<SlackStub> {
  const requests: SlackRequest[] = [];
  const messages = new Map<string, SlackMessageState>();
  const failures: { readonly status: number; readonly body?: unknown; readonly retryAfter?: string }[] = [];
  const server = createServer((req, res) => {
    const pieces: Buffer[] = [];
    req.on('data', (piece: Buffer) => pieces.push(piece));
    req.on('end', () => {
      const path = req.url ?? '';
      const body = JSON.parse(Buffer.concat(pieces).toString('utf8')) as Record<string, unknown>;
      requests.push({ path, authorization: req.headers.authorization, body });
      const failure = failures.shift();
      if (failure !== undefined) {
        res.writeHead(failure.status, failure.retryAfter === undefined ? {} : { 'retry-after': failure.retryAfter });
        res.end(JSON.stringify(failure.body ?? {}));
        return;
      }
      if (path === '/webhook') {
        const problem = problemOf(body);
        res.writeHead(problem === undefined ? 200 : 400).end(problem ?? 'ok');
        return;
      }
      res.setHeader('content-type', 'application/json');
      res.end(JSON.stringify(answer(path, req.headers.authorization, body)));
    });
  });

  function answer(path: string, authorization: string | undefined, body: Record<string, unknown>): unknown {
    if (authorization !== `Bearer ${SLACK_TOKEN}`) return { ok: false, error: 'invalid_auth' };
    const problem = problemOf(body);
    if (problem !== undefined) return { ok: false, error: problem };
    const {
      channel,
      text,
      blocks,
      ts,
      thread_ts: thread,
    } = body as {
      channel: string;
      text: string;
      blocks?: readonly unknown[];
      ts?: string;
      thread_ts?: string;
    };
    if (path === '/api/chat.postMessage') {
      const made = `1700000000.${String(messages.size + 1).padStart(6, '0')}`;
      messages.set(made, { channel, text, blocks: blocks ?? [], thread });
      return { ok: true, channel, ts: made };
    }
    if (path !== '/api/chat.update') return { ok: false, error: 'unknown_method' };
    const old = messages.get(ts ?? '');
    if (old === undefined || old.channel !== channel) return { ok: false, error: 'message_not_found' };
    messages.set(ts ?? '', { ...old, text, blocks: blocks ?? [] });
    return { ok: true, channel, ts };
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    apiUrl: `${base}/api`,
    webhookUrl: `${base}/webhook`,
    token: SLACK_TOKEN,
    requests,
    messages,
    failNext: (failure) => void failures.push(failure),
    forget: (ts) => void messages.delete(ts),
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** Slack's answer to a message that is beyond its limits. */
export function problemOf(body: Record<string, unknown>): string | undefined {
  const { text, blocks = [] } = body as { text?: unknown; blocks?: readonly Record<string, unknown>[] };
  if (typeof text !== 'string' || text === '') return 'no_text';
  if (text.length > 40_000) return 'msg_too_long';
  if (blocks.length > 50) return 'invalid_blocks';
  return blocks.every(isValidBlock) ? undefined : 'invalid_blocks';
}

const between = (value: unknown, least: number, most: number): boolean =>
  typeof value === 'string' && value.length >= least && value.length <= most;

// oxlint-disable-next-line typescript/no-explicit-any -- whatever JSON came
function isValidBlock(block: any): boolean {
  switch (block.type) {
    case 'header':
      return between(block.text?.text, 1, 150) && block.text?.type === 'plain_text';
    case 'section':
      return between(block.text?.text, 1, 3_000);
    case 'context':
      // oxlint-disable-next-line typescript/no-explicit-any -- whatever JSON came
      return block.elements.length <= 10 && block.elements.every((part: any) => between(part.text, 1, 3_000));
    case 'divider':
      return true;
    case 'input':
      return between(block.label?.text, 1, 2_000) && (block.element?.max_length ?? 0) <= 3_000;
    case 'rich_text':
      // oxlint-disable-next-line typescript/no-explicit-any -- whatever JSON came
      return block.elements.every((part: any) => part.elements.every((leaf: any) => between(leaf.text, 1, 40_000)));
    case 'actions':
      return (
        block.elements.length <= 25 &&
        block.elements.every(
          // oxlint-disable-next-line typescript/no-explicit-any -- whatever JSON came
          (part: any) =>
            between(part.text?.text, 1, 75) &&
            (part.value === undefined || between(part.value, 1, 2_000)) &&
            (part.url === undefined || between(part.url, 1, 3_000)) &&
            (part.confirm === undefined ||
              (between(part.confirm.title.text, 1, 100) && between(part.confirm.text.text, 1, 300))),
        )
      );
    default:
      return false;
  }
}

/** Headers of a request as Slack signs it (https://docs.slack.dev/authentication/verifying-requests-from-slack). */
export function signAsSlack(body: string, secret: string, nowMs: number): Record<string, string> {
  const timestamp = String(Math.floor(nowMs / 1_000));
  const mac = createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex');
  return {
    'content-type': 'application/x-www-form-urlencoded',
    'x-slack-request-timestamp': timestamp,
    'x-slack-signature': `v0=${mac}`,
  };
}

/** What Slack posts when somebody presses a button (https://docs.slack.dev/reference/interaction-payloads/block_actions-payload). */
export function pressBody(press: {
  readonly action: string;
  readonly value?: string;
  readonly user: string;
  readonly userTeam?: string;
  /** Of Enterprise Grid, which the app's team is part of. */
  readonly organization?: string | undefined;
  readonly comment?: string;
  readonly responseUrl?: string;
}): string {
  const payload = {
    type: 'block_actions',
    user: { id: press.user, username: 'somebody', team_id: press.userTeam ?? 'T0TEAM' },
    api_app_id: 'A0APP',
    team: {
      id: 'T0TEAM',
      domain: 'acme',
      ...(press.organization === undefined ? {} : { enterprise_id: press.organization }),
    },
    channel: { id: 'C0CHANNEL', name: 'approvals' },
    trigger_id: '1.2.3',
    response_url: press.responseUrl ?? 'https://hooks.slack.com/actions/T0TEAM/1/abc',
    state: {
      values: {
        holdpoint_comment: { holdpoint_comment: { type: 'plain_text_input', value: press.comment ?? null } },
      },
    },
    actions: [
      {
        type: 'button',
        action_id: press.action,
        block_id: 'x',
        ...(press.value === undefined ? {} : { value: press.value }),
        action_ts: '1700000000.000001',
      },
    ],
  };
  return new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
}
