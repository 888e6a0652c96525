import { dsseEnvelopeSchema, type DsseEnvelope } from '../../contract/envelope.ts';
import type { FreezeView, StandingFreeze } from '../../contract/freeze.ts';
import { envelopeDigestOf } from '../../domain/proof/digest.ts';
import { readPayload } from '../../domain/proof/dsse.ts';
import { StorageError } from '../../ports/store.ts';
import type { FreezeStore } from '../../ports/freezes.ts';
import type { Query } from '../database/database.ts';
import { parseJson } from '../database/text.ts';

interface Row {
  id: string;
  envelope: string;
}

const LISTED = `SELECT f.freeze_id AS id, f.envelope, l.envelope AS lift
  FROM holdpoint.freezes f LEFT JOIN holdpoint.lifts l ON l.n = f.lift`;

export function createFreezeStore(query: Query): FreezeStore {
  return {
    read: async () => {
      const [row] = await query<{ version: number; standing: Row[] }>(
        `SELECT h.freeze_version::float8 AS version, coalesce(
                  (SELECT jsonb_agg(jsonb_build_object('id', f.freeze_id, 'envelope', f.envelope) ORDER BY f.version)
                     FROM holdpoint.freezes f WHERE f.lifted_version IS NULL), '[]') AS standing
           FROM holdpoint.audit_head h`,
      );
      if (row === undefined) throw new StorageError('storage_corrupt', 'The log has no head');
      return { version: row.version, standing: row.standing.map(readFreeze) };
    },
    isCurrent: async (version) => {
      const [row] = await query<{ current: boolean }>(
        'SELECT freeze_version = $1::bigint AS current FROM holdpoint.audit_head',
        [version],
      );
      return row?.current === true;
    },
    list: async (limit) => {
      const rows = await query<Row & { lift: string | null }>(
        `${LISTED} ORDER BY (f.lifted_version IS NULL) DESC, f.version DESC LIMIT $1::bigint`,
        [limit],
      );
      return rows.map(viewOf);
    },
    find: async (freezeId) => {
      const [row] = await query<Row & { lift: string | null }>(`${LISTED} WHERE f.freeze_id = $1`, [freezeId]);
      return row && { ...viewOf(row), digest: payloadDigestOf(row.envelope) };
    },
    askLift: async (freezeId, envelope) => {
      const [row] = await query<{ answer: 'stored' | 'not_frozen' }>('SELECT holdpoint.ask_lift($1, $2) AS answer', [
        freezeId,
        JSON.stringify(envelope),
      ]);
      if (row === undefined) throw new StorageError('storage_corrupt', 'The function gave no answer');
      return row.answer;
    },
    askedLifts: async (limit) => {
      const rows = await query<Row & { n: number; lift: string }>(
        `SELECT l.n::float8 AS n, l.envelope AS lift, f.freeze_id AS id, f.envelope
           FROM holdpoint.lifts l JOIN holdpoint.freezes f ON f.freeze_id = l.freeze_id
          WHERE l.verdict IS NULL ORDER BY l.n LIMIT $1::bigint`,
        [limit],
      );
      return rows.map((row) => ({
        n: row.n,
        freeze: readFreeze(row),
        freezeDigest: payloadDigestOf(row.envelope),
        envelope: parseJson(row.lift),
      }));
    },
    refuseLift: async (n, code) => {
      await query('UPDATE holdpoint.lifts SET verdict = $2 WHERE n = $1::bigint AND verdict IS NULL', [n, code]);
    },
    readLift: async (envelope) => {
      const [row] = await query<{ verdict: string | null }>(
        "SELECT verdict FROM holdpoint.lifts WHERE hash = sha256(convert_to($1, 'UTF8'))",
        [JSON.stringify(envelope)],
      );
      return row?.verdict;
    },
  };
}

/** What an envelope says, whether or not its key is still trusted. Of one that cannot be read: everything is stopped. */
function readFreeze({ id, envelope }: Row): StandingFreeze {
  const parsed = dsseEnvelopeSchema.safeParse(parseJson(envelope));
  const payload = parsed.success ? readPayload('freeze', parsed.data) : undefined;
  if (payload?.freezeId !== id) return { id, tools: ['*'], by: 'unknown', why: 'It cannot be read.', at: '' };
  return { id, tools: payload.tools, by: payload.reviewer.id, why: payload.why, at: payload.frozenAt };
}

function viewOf(row: Row & { lift: string | null }): FreezeView {
  return { ...readFreeze(row), lifted: row.lift === null ? null : readLift(row.lift) };
}

function readLift(envelope: string): { by: string; why: string; at: string } {
  const payload = readPayload('lift', parseJson(envelope) as DsseEnvelope);
  return { by: payload?.reviewer.id ?? '', why: payload?.why ?? '', at: payload?.liftedAt ?? '' };
}

function payloadDigestOf(envelope: string): string | null {
  const parsed = dsseEnvelopeSchema.safeParse(parseJson(envelope));
  return parsed.success ? envelopeDigestOf(parsed.data) : null;
}
