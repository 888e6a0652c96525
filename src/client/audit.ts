import type { AuditPage, CheckpointResponse } from '../contract/api.ts';
import type { IndexedEntry } from '../contract/audit.ts';
import type { Transport } from './transport.ts';

/** The audit log, for reviewers and auditors. What it answers is to be verified, not believed. */
export class Audit {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** One page of entries in order of their index. */
  async entries(options: { readonly from?: number; readonly limit?: number } = {}): Promise<AuditPage> {
    const answer = await this.#transport.send(
      { method: 'GET', path: '/v1/audit/entries', query: options, repeatable: 'always' },
      ({ status }) => status === 200,
    );
    return answer.json as AuditPage;
  }

  /** Every entry from an index on, page by page. */
  async *allEntries(
    options: { readonly from?: number; readonly limit?: number } = {},
  ): AsyncIterableIterator<IndexedEntry> {
    let from: number | null = options.from ?? 0;
    while (from !== null) {
      const page: AuditPage = await this.entries({ ...options, from });
      yield* page.entries;
      from = page.nextFrom;
    }
  }

  /** Latest signed checkpoint. Keep it: whoever holds one can tell later whether the log was tampered with. */
  async checkpoint(): Promise<CheckpointResponse> {
    const answer = await this.#transport.send(
      { method: 'GET', path: '/v1/audit/checkpoint', repeatable: 'always' },
      ({ status }) => status === 200,
    );
    return answer.json as CheckpointResponse;
  }
}
