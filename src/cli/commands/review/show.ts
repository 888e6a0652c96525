import type { Review } from '../../../contract/review.ts';
import type { ShownTool } from '../../../domain/show/shown.ts';
import type { Io } from '../../ui/io.ts';
import { renderReview } from '../../ui/review-view.ts';
import type { GlobalOptions } from '../action.ts';
import { connect, type Connection } from '../connect.ts';
import { defined } from '../../../contract/defined.ts';

export async function show(io: Io, options: GlobalOptions, id: string): Promise<void> {
  const connection = connect(io, options, 'reviewer');
  const found = await connection.client.reviews.get(id);
  io.data(found);
  io.print(...(await readAndRender(io, connection, found)));
}

/**
 * A review with what policy says of its tool, and its changes since the version before: earlier versions come with the
 * proof, as the state has them by their digests alone. What cannot be read is left out, or said not to be kept.
 */
export async function readAndRender(io: Io, connection: Connection, review: Review): Promise<string[]> {
  if (io.json) return [];
  const { kind, call, revision, reviewId } = review;
  const [tool, proof] = await Promise.all([
    kind === 'call' ? readTool(connection, call.tool, io.signal) : undefined,
    revision > 1 ? connection.client.reviews.proof(reviewId).catch(() => undefined) : undefined,
  ]);
  return renderReview(io, review, { tool, ...defined({ materials: proof?.materials }) });
}

async function readTool({ url, token }: Connection, tool: string, signal: AbortSignal): Promise<ShownTool | undefined> {
  try {
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`${url}/v1/tools/${encodeURIComponent(tool)}`, { headers, redirect: 'error', signal });
    return response.ok ? ((await response.json()) as ShownTool) : undefined;
  } catch {
    return undefined;
  }
}
