/**
 * Signed rejects (and requests for changes) as they were said: stored before any workflow is told of them, and judged
 * by the execute worker at the claim, so that no reset and no lost signal takes one back.
 *
 * ◆ Storing one and claiming meet at the ledger row. `object()` holds the row FOR SHARE until it is committed;
 * `commit_group` locks it FOR UPDATE, counts, and refuses a claim that names another count than it finds. A claim that
 * only looks (`NOT EXISTS`) misses an objection that commits a moment later, and one that names the highest number it
 * judged misses a lower one that commits after a higher. Each statement needs a snapshot of its own: READ COMMITTED.
 */
export const objections = `
CREATE TABLE holdpoint.objections (
  n          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  review_id  text COLLATE "C" NOT NULL,
  hash       bytea NOT NULL,
  envelope   text NOT NULL CHECK (octet_length(envelope) <= 65536),
  stored_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- Nothing is left to do about it: counted, lapsed, or its review is over. The claim judges these as well.
  settled_at timestamptz,
  -- The execute worker could not verify it the last time it looked.
  unreadable boolean NOT NULL DEFAULT false,
  UNIQUE (review_id, hash)
);
CREATE INDEX objections_unsettled ON holdpoint.objections (n) WHERE settled_at IS NULL;
CREATE INDEX objections_unreadable ON holdpoint.objections (n) WHERE unreadable AND settled_at IS NULL;

CREATE FUNCTION holdpoint.object(objected text, signed text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = holdpoint, pg_catalog, pg_temp SET enable_seqscan = off SET jit = off AS $fn$
DECLARE
  stands text;
BEGIN
  PERFORM require_read_committed();
  SELECT l.state INTO stands FROM ledger l WHERE l.review_id = objected FOR SHARE;
  IF stands IS DISTINCT FROM 'open' THEN
    RETURN CASE WHEN stands IN ('claimed', 'done', 'failed', 'unknown') THEN 'already_started' ELSE 'already_resolved' END;
  END IF;
  INSERT INTO objections (review_id, hash, envelope)
  VALUES (objected, sha256(convert_to(signed, 'UTF8')), signed)
  ON CONFLICT (review_id, hash) DO NOTHING;
  RETURN 'stored';
END $fn$;

REVOKE ALL ON FUNCTION holdpoint.object(text, text) FROM PUBLIC;
`;
