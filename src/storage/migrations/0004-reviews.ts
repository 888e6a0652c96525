/**
 * Writes of the reviews table. A review that has ended stays ended, and as what it ended first: a workflow that was
 * reset replays its states, and none of them may bring a row back to life.
 */
export const reviews = `
-- Envelopes add up over the life of a review; each comes once, in the commit that it carried.
CREATE FUNCTION holdpoint.merge_envelopes(kept text, added text) RETURNS text LANGUAGE sql IMMUTABLE AS $fn$
  SELECT CASE WHEN added = '[]' THEN kept WHEN kept = '[]' THEN added
              ELSE left(kept, -1) || ',' || substr(added, 2) END
$fn$;

-- Digest inputs, one for each revision: the last one written counts (evidence may come after the first).
CREATE FUNCTION holdpoint.merge_materials(kept text, added text) RETURNS text LANGUAGE sql IMMUTABLE AS $fn$
  SELECT CASE WHEN added = '[]' THEN kept WHEN kept = '[]' THEN added ELSE (
    SELECT '[' || string_agg(m::text, ',' ORDER BY (m->>'revision')::integer) || ']'
      FROM (SELECT k.m FROM json_array_elements(kept::json) AS k(m)
             WHERE (k.m->>'revision') NOT IN (SELECT a.m->>'revision' FROM json_array_elements(added::json) AS a(m))
            UNION ALL SELECT a.m FROM json_array_elements(added::json) AS a(m)) AS u(m)) END
$fn$;

CREATE FUNCTION holdpoint.write_reviews(writes jsonb) RETURNS void LANGUAGE plpgsql AS $fn$
DECLARE
  w record;
  shown text;
BEGIN
  FOR w IN SELECT * FROM jsonb_to_recordset(writes)
             AS w(review_id text, status text, class text, gate text, kind text, service text, tool text,
                  proposer text, thread_id text, group_name text, sort_at timestamptz, ended_at timestamptz,
                  execution_status text, execution text, list_row text, state text, envelopes text, materials text,
                  approvers text[], approvers_from timestamptz[], last_index bigint) LOOP
    INSERT INTO holdpoint.reviews AS r (review_id, status, class, gate, kind, service, tool, proposer, thread_id,
        group_name, sort_at, ended_at, execution_status, execution, list_row, state, envelopes, materials, last_index)
    VALUES (w.review_id, w.status, w.class, w.gate, w.kind, w.service, w.tool, w.proposer, w.thread_id,
        w.group_name, w.sort_at, w.ended_at, w.execution_status, w.execution, w.list_row, w.state, w.envelopes,
        w.materials, greatest(w.last_index, 0))
    ON CONFLICT (review_id) DO UPDATE
      SET status = excluded.status, class = excluded.class, gate = excluded.gate, kind = excluded.kind,
          service = excluded.service, tool = excluded.tool, proposer = excluded.proposer,
          thread_id = excluded.thread_id, group_name = excluded.group_name, sort_at = excluded.sort_at,
          ended_at = coalesce(r.ended_at, excluded.ended_at), list_row = excluded.list_row, state = excluded.state,
          envelopes = holdpoint.merge_envelopes(coalesce(r.envelopes, '[]'), excluded.envelopes),
          materials = holdpoint.merge_materials(coalesce(r.materials, '[]'), excluded.materials),
          last_index = greatest(r.last_index, excluded.last_index), changed_at = now()
      WHERE r.erased_at IS NULL AND r.ended_as IS NULL AND (r.ended_at IS NULL OR r.status = excluded.status)
    RETURNING r.status INTO shown;
    CONTINUE WHEN shown IS NULL;

    DELETE FROM holdpoint.review_approvers a
     WHERE a.review_id = w.review_id
       AND (shown <> 'pending' OR a.sort_at <> w.sort_at OR a.group_name <> ALL (w.approvers));
    IF shown = 'pending' THEN
      INSERT INTO holdpoint.review_approvers AS a (group_name, sort_at, review_id, from_at)
      SELECT g.name, w.sort_at, w.review_id, g.from_at FROM unnest(w.approvers, w.approvers_from) AS g(name, from_at)
      ON CONFLICT (review_id, group_name) DO UPDATE SET from_at = excluded.from_at
        WHERE a.from_at IS DISTINCT FROM excluded.from_at;
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
SET search_path = holdpoint, pg_catalog, pg_temp SET enable_seqscan = off AS $fn$
DECLARE
  w record;
  erased bigint := 0;
BEGIN
  FOR w IN SELECT * FROM jsonb_to_recordset(erasures)
             AS w(review_id text, outcome text, state text, list_row text, execution text) LOOP
    UPDATE reviews
       SET state = w.state, list_row = w.list_row, execution = w.execution, envelopes = '[]', materials = '[]',
           erased_at = now()
     WHERE review_id = w.review_id AND ended_at IS NOT NULL AND erased_at IS NULL;
    CONTINUE WHEN NOT FOUND;
    erased := erased + 1;
    UPDATE ledger SET outcome = w.outcome, reconciled_note = NULL, erased_at = now()
     WHERE review_id = w.review_id AND erased_at IS NULL;
    DELETE FROM evidence WHERE review_id = w.review_id;
  END LOOP;
  RETURN erased;
END $fn$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA holdpoint FROM PUBLIC;
`;
