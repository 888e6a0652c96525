/**
 * Writes of the reviews table. A review that has ended stays ended, and as what it ended first: a workflow that was
 * reset replays its states, and none of them may bring a row back to life.
 */
export const reviews = `
-- The oldest that waits, for operators.
CREATE INDEX ledger_open ON holdpoint.ledger (opened_at) WHERE state = 'open';
-- Of types that are rare, as a search asks for them: what is frequent costs this index nothing.
CREATE INDEX audit_entries_rare ON holdpoint.audit_entries (idx)
 WHERE split_part(split_part(leaf, '"type":"', 2), '"', 1) IN
   ('objected', 'revised', 'withdrawn', 'expired', 'aborted', 'deferred', 'unknown', 'reconciled', 'policy_changed',
    'restored', 'frozen', 'lifted');

-- Texts of these lengths, one behind the other from a place on.
CREATE FUNCTION holdpoint.cut_texts(texts bytea, start integer, lengths integer[]) RETURNS text[] LANGUAGE sql IMMUTABLE AS $fn$
  SELECT coalesce(array_agg(convert_from(substring(texts FROM start + (l.upto - l.bytes)::integer FOR l.bytes), 'UTF8')
                            ORDER BY l.k), '{}')
    FROM (SELECT c.bytes, c.k, sum(c.bytes) OVER (ORDER BY c.k) AS upto
            FROM unnest(lengths) WITH ORDINALITY AS c(bytes, k)) l
$fn$;

CREATE FUNCTION holdpoint.write_reviews(writes jsonb, texts bytea) RETURNS void LANGUAGE plpgsql AS $fn$
DECLARE
  w record;
  lengths integer[];
  place integer := 1;
  bodies text[];
  shown text;
  fresh boolean;
BEGIN
  FOR w IN SELECT * FROM jsonb_to_recordset(writes)
             AS w(review_id text, status text, class text, gate text, kind text, service text, tool text,
                  proposer text, thread_id text, group_name text, sort_at timestamptz, ended_at timestamptz,
                  execution_status text, execution text, settles_execution boolean, list_row text, state integer,
                  revision integer, envelopes integer[], materials integer[], revisions integer[],
                  approvers text[], approvers_from timestamptz[], last_index bigint) LOOP
    lengths := w.state || w.envelopes || w.materials;
    bodies := holdpoint.cut_texts(texts, place, lengths);
    place := place + (SELECT sum(l) FROM unnest(lengths) l);
    INSERT INTO holdpoint.reviews AS r (review_id, status, class, gate, kind, service, tool, proposer, thread_id,
        group_name, sort_at, ended_at, execution_status, execution, list_row, state, revision, last_index)
    VALUES (w.review_id, w.status, w.class, w.gate, w.kind, w.service, w.tool, w.proposer, w.thread_id,
        w.group_name, w.sort_at, w.ended_at, w.execution_status, w.execution, w.list_row, bodies[1],
        w.revision, greatest(w.last_index, 0))
    ON CONFLICT (review_id) DO UPDATE
      SET status = excluded.status, class = excluded.class, gate = excluded.gate, kind = excluded.kind,
          service = excluded.service, tool = excluded.tool, proposer = excluded.proposer,
          thread_id = excluded.thread_id, group_name = excluded.group_name, sort_at = excluded.sort_at,
          ended_at = coalesce(r.ended_at, excluded.ended_at), list_row = excluded.list_row, state = excluded.state,
          revision = excluded.revision,
          execution_status = CASE WHEN w.settles_execution THEN excluded.execution_status ELSE r.execution_status END,
          execution = CASE WHEN w.settles_execution THEN excluded.execution ELSE r.execution END,
          last_index = greatest(r.last_index, excluded.last_index), changed_at = now()
      WHERE r.erased_at IS NULL AND r.ended_as IS NULL AND (r.ended_at IS NULL OR r.status = excluded.status)
    RETURNING r.status, r.xmax = 0 INTO shown, fresh;
    CONTINUE WHEN shown IS NULL;

    IF w.envelopes <> '{}' THEN
      INSERT INTO holdpoint.review_envelopes (review_id, body)
      SELECT w.review_id, unnest(bodies[2:1 + cardinality(w.envelopes)]);
    END IF;
    IF w.materials <> '{}' THEN
      -- The last one of a revision counts: evidence may come after the first.
      INSERT INTO holdpoint.review_materials (review_id, revision, body)
      SELECT w.review_id, m.revision, m.body FROM unnest(w.revisions, bodies[2 + cardinality(w.envelopes):]) AS m(revision, body)
      ON CONFLICT (review_id, revision) DO UPDATE SET body = excluded.body;
    END IF;

    IF NOT fresh THEN
      DELETE FROM holdpoint.review_approvers a
       WHERE a.review_id = w.review_id
         AND (shown <> 'pending' OR a.sort_at <> w.sort_at OR a.group_name <> ALL (w.approvers));
    END IF;
    IF shown = 'pending' THEN
      INSERT INTO holdpoint.review_approvers AS a (group_name, sort_at, review_id, from_at)
      SELECT g.name, w.sort_at, w.review_id, g.from_at FROM unnest(w.approvers, w.approvers_from) AS g(name, from_at)
      ON CONFLICT (review_id, group_name) DO UPDATE SET from_at = excluded.from_at
        WHERE a.from_at <> excluded.from_at;
    END IF;
  END LOOP;
END $fn$;

CREATE FUNCTION holdpoint.write_ends(p jsonb) RETURNS void LANGUAGE plpgsql AS $fn$
DECLARE
  w record;
BEGIN
  FOR w IN SELECT * FROM jsonb_to_recordset(p->'executions')
             AS w(review_id text, execution_status text, execution text, last_index bigint) LOOP
    INSERT INTO holdpoint.reviews AS r (review_id, execution_status, execution, last_index)
    VALUES (w.review_id, w.execution_status, w.execution, greatest(w.last_index, 0))
    ON CONFLICT (review_id) DO UPDATE
      SET execution_status = excluded.execution_status, execution = excluded.execution,
          last_index = greatest(r.last_index, excluded.last_index), changed_at = now()
      WHERE r.erased_at IS NULL;
  END LOOP;
  FOR w IN SELECT * FROM jsonb_to_recordset(p->'ends')
             AS w(review_id text, status text, at timestamptz, last_index bigint) LOOP
    UPDATE holdpoint.reviews r
       SET status = w.status, ended_as = w.status, ended_at = w.at,
           last_index = greatest(r.last_index, w.last_index), changed_at = now()
     WHERE r.review_id = w.review_id AND r.status IS NOT NULL AND r.ended_at IS NULL;
    DELETE FROM holdpoint.review_approvers a WHERE a.review_id = w.review_id;
  END LOOP;
END $fn$;

CREATE FUNCTION holdpoint.erase_reviews(erasures jsonb) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = holdpoint, pg_catalog, pg_temp SET enable_seqscan = off SET jit = off AS $fn$
DECLARE
  w record;
  erased bigint := 0;
BEGIN
  FOR w IN SELECT * FROM jsonb_to_recordset(erasures)
             AS w(review_id text, outcome text, state text, list_row text, execution text) LOOP
    UPDATE reviews
       SET state = w.state, list_row = w.list_row, execution = w.execution, erased_at = now()
     WHERE review_id = w.review_id AND ended_at IS NOT NULL AND erased_at IS NULL;
    CONTINUE WHEN NOT FOUND;
    erased := erased + 1;
    UPDATE ledger SET outcome = w.outcome, deferral = NULL, reconciled_note = NULL, erased_at = now()
     WHERE review_id = w.review_id AND erased_at IS NULL;
    DELETE FROM evidence WHERE review_id = w.review_id;
    DELETE FROM review_envelopes WHERE review_id = w.review_id;
    DELETE FROM review_materials WHERE review_id = w.review_id;
    DELETE FROM proposed_calls WHERE review_id = w.review_id;
    -- An approved review has ended while its call may still be claimed: until then its objections count.
    DELETE FROM objections o WHERE o.review_id = w.review_id
       AND NOT EXISTS (SELECT FROM ledger l WHERE l.review_id = o.review_id AND l.state IN ('open', 'deferred'));
  END LOOP;
  RETURN erased;
END $fn$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA holdpoint FROM PUBLIC;
`;
