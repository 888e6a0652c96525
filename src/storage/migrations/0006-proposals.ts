/** How long a proposal that is bound and not classified stands for an equal one. */
const STARTING = '10 minutes';

/** Key of an advisory lock; arbitrary. */
const INTENT_LOCK = 0x696e_7465;

/**
 * Binds a proposal to its review, in one statement: to the one that its idempotency key stands for already, to an equal
 * call that stands for it, or to a review of its own. Two equal proposals at once take turns, so that the second finds
 * the first; whether that one is pending is judged by one snapshot, so a decision that comes at the same time has either
 * been seen or comes to a review to which this proposal is attached.
 *
 * An equal call stands for a proposal where it
 *
 * - waits for people: pending at this revision (or changes are requested of it), before its deadline;
 * - is on its way to them: bound a moment ago and not classified yet. The caller starts it again, which is idempotent,
 *   so a first start that failed loses nothing;
 * - was rejected within the last hour. That alone does not ask for the same thread, callback and approval.
 */
export const proposals = `
-- Calls that people are asked about, by keyed fingerprints of what the agent said: "call" of tool, arguments and context,
-- "intent" of the call with its thread, callback and approval. One row for each version of a review that an api process
-- has seen in the clear.
CREATE TABLE holdpoint.proposed_calls (
  review_id text COLLATE "C" NOT NULL,
  revision  integer NOT NULL,
  proposer  text COLLATE "C" NOT NULL,
  call      text COLLATE "C" NOT NULL,
  intent    text COLLATE "C" NOT NULL,
  noted_at  timestamptz NOT NULL,
  PRIMARY KEY (review_id, revision)
);
CREATE INDEX proposed_calls_intent ON holdpoint.proposed_calls (proposer, intent, noted_at);
CREATE INDEX proposed_calls_call ON holdpoint.proposed_calls (proposer, call);

-- MCP requests that have not been answered, by session, JSON-RPC id and parameters; "key": the idempotency key of the
-- call. One that is sent again meanwhile is the same call.
CREATE TABLE holdpoint.mcp_requests (
  request  text COLLATE "C" PRIMARY KEY,
  key      text NOT NULL,
  began_at timestamptz NOT NULL
);
CREATE INDEX mcp_requests_age ON holdpoint.mcp_requests (began_at);

CREATE FUNCTION holdpoint.find_equal_call(of_proposer text, of_call text, of_intent text, taken text[], at timestamptz)
RETURNS text LANGUAGE sql STABLE SET search_path = holdpoint, pg_catalog, pg_temp AS $fn$
  SELECT found.review_id FROM (
    SELECT 1 AS place, r.review_id, r.sort_at AS since
      FROM reviews r
     WHERE r.proposer = of_proposer AND r.status IN ('pending', 'changes_requested') AND r.sort_at > at
       AND EXISTS (SELECT FROM proposed_calls p
                    WHERE p.review_id = r.review_id AND p.revision = r.revision AND p.intent = of_intent)
    UNION ALL
    SELECT 2, p.review_id, p.noted_at
      FROM proposed_calls p
     WHERE p.proposer = of_proposer AND p.intent = of_intent AND p.revision = 1
       AND p.noted_at > at - interval '${STARTING}'
       AND NOT EXISTS (SELECT FROM reviews r WHERE r.review_id = p.review_id AND r.state IS NOT NULL)
    UNION ALL
    -- From the few that people rejected to the call, one by one. Who rejects does so before the deadline, which is what
    -- the index is ordered by.
    SELECT 3, r.review_id, r.ended_at
      FROM reviews r
     WHERE r.proposer = of_proposer AND r.status = 'rejected'
       AND r.sort_at > at - interval '1 hour' AND r.ended_at > at - interval '1 hour'
       AND EXISTS (SELECT FROM proposed_calls p WHERE p.review_id = r.review_id AND p.call = of_call)
  ) found
  WHERE found.review_id <> ALL (taken)
  ORDER BY found.place, found.since DESC, found.review_id LIMIT 1
$fn$;

-- "taken": reviews that stand for other calls already; NULL: none is to stand for this one.
CREATE FUNCTION holdpoint.bind_call(of_proposer text, of_key text, body text, own text, of_call text, of_intent text,
  taken text[], at timestamptz)
RETURNS TABLE (bound_to text, seen_body text, is_attached boolean) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = holdpoint, pg_catalog, pg_temp SET enable_seqscan = off SET jit = off AS $fn$
DECLARE
  other text;
BEGIN
  PERFORM require_read_committed();
  RETURN QUERY SELECT i.review_id, i.fingerprint, i.attached FROM idempotency i
                WHERE i.proposer = of_proposer AND i.key = of_key;
  IF FOUND THEN
    RETURN;
  END IF;
  IF of_call IS NOT NULL AND taken IS NOT NULL THEN
    PERFORM pg_advisory_xact_lock(${INTENT_LOCK}, hashtext(of_call));
    other := find_equal_call(of_proposer, of_call, of_intent, taken, at);
  END IF;
  IF of_key IS NOT NULL THEN
    INSERT INTO idempotency (proposer, key, review_id, fingerprint, attached)
    VALUES (of_proposer, of_key, coalesce(other, own), body, other IS NOT NULL)
    ON CONFLICT (proposer, key) DO NOTHING;
    IF NOT FOUND THEN
      RETURN QUERY SELECT i.review_id, i.fingerprint, i.attached FROM idempotency i
                    WHERE i.proposer = of_proposer AND i.key = of_key;
      RETURN;
    END IF;
  END IF;
  IF other IS NULL AND of_call IS NOT NULL THEN
    INSERT INTO proposed_calls (review_id, revision, proposer, call, intent, noted_at)
    VALUES (own, 1, of_proposer, of_call, of_intent, at);
  END IF;
  RETURN QUERY SELECT coalesce(other, own), NULL::text, other IS NOT NULL;
END $fn$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA holdpoint FROM PUBLIC;
`;
