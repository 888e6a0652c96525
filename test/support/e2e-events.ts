import type { ReviewRow } from '../../src/contract/review.ts';
import type { PersonId } from './e2e-deployment.ts';
import type { World } from './e2e-world.ts';

export interface SeenEvent {
  /** Audit index. */
  readonly id: number;
  readonly review: ReviewRow;
}

/** Server-sent events as they come; `lastEventId` resumes. */
export interface Listening {
  readonly seen: readonly SeenEvent[];
  /** Resolves when the stream has ended, from whichever side. */
  readonly ended: Promise<void>;
  close(): void;
}

export async function listen(
  world: World,
  path: string,
  { as = 'audit-1', lastEventId }: { readonly as?: PersonId; readonly lastEventId?: number } = {},
): Promise<Listening> {
  const controller = new AbortController();
  const response = await fetch(new URL(path, world.holdpoint.url), {
    signal: controller.signal,
    headers: {
      authorization: `Bearer ${world.deployment.credentials[as]}`,
      ...(lastEventId === undefined ? {} : { 'last-event-id': String(lastEventId) }),
    },
  });
  if (response.status !== 200 || response.body === null) throw new Error(`${path}: ${response.status}`);
  const seen: SeenEvent[] = [];
  const read = async (body: ReadableStream<Uint8Array>): Promise<void> => {
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of body) {
      text += decoder.decode(chunk, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const event = parse(block);
        if (event !== undefined) seen.push(event);
      }
    }
  };
  return {
    seen,
    ended: read(response.body).catch(() => undefined),
    close: () => controller.abort(),
  };
}

/** Undefined for comments, which say that the stream is still there. */
function parse(block: string): SeenEvent | undefined {
  const fields = Object.fromEntries(
    block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
  );
  if (fields['event'] !== 'review') return undefined;
  return { id: Number(fields['id']), review: JSON.parse(fields['data'] ?? 'null') as ReviewRow };
}
