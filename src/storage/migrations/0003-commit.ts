/**
 * The only way to write the ledger, the audit log and the reviews table: one call per group of commits, so one round
 * trip. It runs with the owner's rights and judges by `session_user`, the login, what the caller may ask for; the
 * logins themselves hold no right to write these tables.
 *
 * It answers `stale` (the head moved, or a leaf does not follow the last entry of its review: hash again), `refused`
 * (with the rows that stood in the way, or are held by another transaction; nothing was written) or `written`.
 *
 * ◆ Rows are found one by one through their key, never by a join with what the caller sent: the embedded database
 * keeps a plan that was made while the table was small, and such a join then reads the whole table for every commit.
 * `enable_seqscan = off` is for the same reason; it makes plans look dear, so a server would compile them for 50 ms
 * each (`jit`).
 */
export const commit = `
CREATE FUNCTION holdpoint.may_gate() RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE FUNCTION holdpoint.may_execute() RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';

-- Appends stand in one line, whatever the number of processes; the line ends with the transaction. It is the lock of the
-- head's row, which only these functions may take: an advisory lock could be held by any login, and stop every append.
CREATE FUNCTION holdpoint.lock_head() RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER
SET search_path = holdpoint, pg_catalog, pg_temp AS $fn$
DECLARE
  h holdpoint.audit_head;
BEGIN
  SELECT * INTO STRICT h FROM audit_head FOR UPDATE;
  RETURN jsonb_build_object('size', h.size, 'peaks', encode(h.peaks, 'hex'));
END $fn$;

-- What commit_group and object() do under a row's lock relies on a fresh snapshot for every statement behind it.
CREATE FUNCTION holdpoint.require_read_committed() RETURNS void LANGUAGE plpgsql AS $fn$
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'this must run in a READ COMMITTED transaction' USING ERRCODE = '25001';
  END IF;
END $fn$;

-- A ledger row as callers are given it: with the number of objections that are stored against it.
CREATE FUNCTION holdpoint.ledger_json(l holdpoint.ledger) RETURNS jsonb LANGUAGE plpgsql AS $fn$
BEGIN
  RETURN to_jsonb(l) || jsonb_build_object('objections',
    (SELECT count(*) FROM holdpoint.objections o WHERE o.review_id = l.review_id));
END $fn$;

CREATE FUNCTION holdpoint.step_allowed(kind text, digest text, token text, at timestamptz, state text, resends integer,
  l holdpoint.ledger) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $fn$
BEGIN
  RETURN coalesce(CASE kind
    WHEN 'open' THEN l.review_id IS NULL
    WHEN 'begin' THEN l.review_id IS NULL
    WHEN 'tighten' THEN l.state IN ('open', 'deferred')
    WHEN 'deny' THEN l.review_id IS NULL OR (l.state IN ('open', 'deferred') AND l.proposal_digest = digest)
    WHEN 'claim' THEN l.state IN ('open', 'deferred')
    -- Sent again, the call may have run: then only its result settles it. A call without a workflow is never deferred.
    WHEN 'defer' THEN l.state = 'claimed' AND l.claim_token = token AND l.resends = 0 AND NOT l.direct
    WHEN 'resend' THEN l.state = 'claimed' AND l.claim_token = token AND l.resends = resends
      AND (l.resend_at IS NULL OR l.resend_at <= at)
    WHEN 'finish' THEN l.claim_token = token AND (state = 'done' OR l.resends = resends)
      AND (l.state = 'claimed' OR (l.state = 'unknown' AND l.reconciled_at IS NULL))
    WHEN 'unknown' THEN l.state = 'claimed' AND l.claim_token = token
    WHEN 'reconcile' THEN l.state = 'unknown' AND l.reconciled_at IS NULL
  END, false);
END $fn$;

-- What stands in the way of a group: commits that were made before, steps that the ledger does not allow, and rows that
-- another transaction holds.
CREATE FUNCTION holdpoint.judge_group(p jsonb, freeze_version bigint) RETURNS jsonb LANGUAGE plpgsql AS $fn$
DECLARE
  wanted record;
  allowed boolean;
  stored bigint;
  k holdpoint.commit_keys;
  l holdpoint.ledger;
  seen jsonb := '[]';
  refused jsonb := '[]';
  busy jsonb := '[]';
BEGIN
  FOR wanted IN SELECT * FROM jsonb_to_recordset(p->'keys') AS w(key text) LOOP
    SELECT * INTO k FROM holdpoint.commit_keys c WHERE c.key = wanted.key;
    CONTINUE WHEN NOT FOUND;
    SELECT * INTO l FROM holdpoint.ledger WHERE review_id = k.review_id;
    seen := seen || jsonb_build_object('key', k.key, 'first', k.first, 'count', k.count,
                                       'row', CASE WHEN FOUND THEN holdpoint.ledger_json(l) END);
  END LOOP;
  FOR wanted IN SELECT * FROM jsonb_to_recordset(p->'steps')
                  AS s(review_id text, "to" text, proposal_digest text, token text, at timestamptz, state text, resends integer,
                       objections bigint, freeze_version bigint) LOOP
    -- Behind this lock every objection that was stored can be seen, and none can be added. object() holds the row until
    -- its transaction ends, which a login decides for itself: it is not waited for here, where every append waits too.
    SELECT * INTO l FROM holdpoint.ledger WHERE review_id = wanted.review_id FOR UPDATE SKIP LOCKED;
    IF NOT FOUND AND EXISTS (SELECT FROM holdpoint.ledger WHERE review_id = wanted.review_id) THEN
      busy := busy || to_jsonb(wanted.review_id);
      CONTINUE;
    END IF;
    stored := 0;
    IF wanted."to" = 'claim' OR wanted.objections IS NOT NULL THEN
      SELECT count(*) INTO stored FROM holdpoint.objections o WHERE o.review_id = wanted.review_id;
    END IF;
    -- A call that begins writes what is not there yet, and changes nothing that is.
    allowed := stored = coalesce(wanted.objections, 0)
           AND NOT (wanted."to" = 'begin' AND EXISTS (SELECT FROM holdpoint.reviews r WHERE r.review_id = wanted.review_id))
           AND holdpoint.step_allowed(wanted."to", wanted.proposal_digest, wanted.token, wanted.at, wanted.state,
                                      wanted.resends, l);
    -- A worker that missed a freeze must not go on, whatever it knows.
    CONTINUE WHEN allowed
              AND (coalesce(wanted.freeze_version, 0) = judge_group.freeze_version
                   OR (wanted.freeze_version IS NULL AND wanted."to" NOT IN ('begin', 'claim', 'resend')));
    refused := refused || jsonb_build_object('reviewId', wanted.review_id, 'outdated', allowed,
                                             'row', CASE WHEN l.review_id IS NOT NULL THEN holdpoint.ledger_json(l) END);
  END LOOP;
  IF p ? 'freezes' THEN
    refused := refused || holdpoint.judge_freezes(p->'freezes');
  END IF;
  IF seen = '[]' AND refused = '[]' AND busy = '[]' THEN
    RETURN NULL;
  END IF;
  RETURN jsonb_build_object('kind', 'refused', 'seen', seen, 'refused', refused, 'busy', busy);
END $fn$;

-- Moves the ledger; returns the rows as they stand then, by review.
CREATE FUNCTION holdpoint.move_ledger(steps jsonb) RETURNS jsonb LANGUAGE plpgsql AS $fn$
DECLARE
  s record;
  l holdpoint.ledger;
  moved jsonb := '{}';
BEGIN
  FOR s IN SELECT * FROM jsonb_to_recordset(steps)
             AS s(review_id text, "to" text, proposal_digest text, at timestamptz, expires_at timestamptz, reason text,
                  token text, send_by timestamptz, settled_by timestamptz, digest text, idempotency_key text,
                  state text, outcome text, reconciler text, note text, resend_at timestamptz, deferral text) LOOP
    CASE s."to"
    WHEN 'open' THEN
      INSERT INTO holdpoint.ledger (review_id, proposal_digest, state, opened_at, expires_at)
      VALUES (s.review_id, s.proposal_digest, 'open', s.at, s.expires_at)
      RETURNING * INTO STRICT l;
    WHEN 'begin' THEN
      INSERT INTO holdpoint.ledger (review_id, proposal_digest, direct, state, opened_at, claim_token, claimed_at,
                                    first_claimed_at, send_by, settled_by, claim_digest, idempotency_key)
      VALUES (s.review_id, s.proposal_digest, true, 'claimed', s.at, s.token, s.at, s.at, s.send_by, s.settled_by,
              s.digest, s.idempotency_key)
      RETURNING * INTO STRICT l;
    WHEN 'tighten' THEN
      UPDATE holdpoint.ledger SET expires_at = least(expires_at, s.expires_at), changed_at = now()
       WHERE review_id = s.review_id RETURNING * INTO STRICT l;
    WHEN 'deny' THEN
      INSERT INTO holdpoint.ledger (review_id, proposal_digest, state, opened_at, denial_reason, denied_at)
      VALUES (s.review_id, s.proposal_digest, 'denied', s.at, s.reason, s.at)
      ON CONFLICT (review_id) DO UPDATE
        SET state = 'denied', denial_reason = excluded.denial_reason, denied_at = excluded.denied_at,
            changed_at = now()
      RETURNING * INTO STRICT l;
    WHEN 'claim' THEN
      UPDATE holdpoint.ledger
         SET state = 'claimed', claim_token = s.token, claimed_at = s.at, send_by = s.send_by,
             settled_by = s.settled_by, claim_digest = s.digest, first_claimed_at = coalesce(first_claimed_at, s.at),
             idempotency_key = CASE state WHEN 'open' THEN s.idempotency_key ELSE idempotency_key END,
             changed_at = now()
       WHERE review_id = s.review_id AND state IN ('open', 'deferred') RETURNING * INTO STRICT l;
    WHEN 'defer' THEN
      UPDATE holdpoint.ledger
         SET state = 'deferred', claim_token = NULL, claimed_at = NULL, send_by = NULL, settled_by = NULL,
             claim_digest = NULL, deferral = s.deferral, deferrals = deferrals + 1, changed_at = now()
       WHERE review_id = s.review_id RETURNING * INTO STRICT l;
    WHEN 'resend' THEN
      UPDATE holdpoint.ledger SET resends = resends + 1, resend_at = s.resend_at, changed_at = now()
       WHERE review_id = s.review_id RETURNING * INTO STRICT l;
    WHEN 'finish', 'unknown' THEN
      UPDATE holdpoint.ledger SET state = s.state, outcome = s.outcome, changed_at = now()
       WHERE review_id = s.review_id RETURNING * INTO STRICT l;
    WHEN 'reconcile' THEN
      UPDATE holdpoint.ledger
         SET reconciled_outcome = s.outcome, reconciled_by = s.reconciler, reconciled_note = s.note, reconciled_at = s.at,
             changed_at = now()
       WHERE review_id = s.review_id RETURNING * INTO STRICT l;
    END CASE;
    moved := moved || jsonb_build_object(s.review_id, holdpoint.ledger_json(l));
  END LOOP;
  RETURN moved;
END $fn$;

-- Whether every leaf names its review and carries the number and the index that follow the review's last entry, be it
-- in the log or in this group. (That no two follow the same one, the unique index sees to.) Keys of a leaf are sorted, so
-- none of the three is the first or the last, and no string can hold an unescaped quotation mark. The last entry is found
-- by "n", which only the index by review knows the order of.
CREATE FUNCTION holdpoint.are_linked(entries jsonb, from_size bigint) RETURNS boolean LANGUAGE plpgsql AS $fn$
BEGIN
  RETURN NOT EXISTS (
    SELECT FROM ROWS FROM (jsonb_to_recordset(entries) AS (r text, l text, n integer, p bigint)) WITH ORDINALITY
             AS e(r, l, n, p, k)
      LEFT JOIN LATERAL (
        SELECT a.n, a.idx FROM holdpoint.audit_entries a
         WHERE a.review_id = e.r AND coalesce(e.p, -1) < from_size ORDER BY a.n DESC LIMIT 1
      ) t ON true
     WHERE CASE
           WHEN e.r IS NULL THEN strpos(e.l, '"reviewId":') > 0
           WHEN strpos(e.l, ',"n":' || e.n || ',') = 0
             OR strpos(e.l, ',"previous":' || coalesce(e.p::text, 'null') || ',') = 0
             OR strpos(e.l, ',"reviewId":"' || e.r || '",') = 0 THEN true
           WHEN coalesce(e.p, -1) < from_size THEN
             e.n IS DISTINCT FROM coalesce(t.n, 0) + 1 OR e.p IS DISTINCT FROM t.idx
           ELSE e.p >= from_size + e.k - 1
             OR entries->(e.p - from_size)::integer->>'r' IS DISTINCT FROM e.r
             OR (entries->(e.p - from_size)::integer->>'n')::integer + 1 IS DISTINCT FROM e.n
           END);
END $fn$;

-- The head of the log, and the last entry of each review that wants to append.
CREATE FUNCTION holdpoint.current_head(entries jsonb, head_size bigint, head_peaks bytea) RETURNS jsonb
LANGUAGE plpgsql AS $fn$
BEGIN
  RETURN jsonb_build_object('kind', 'stale', 'size', head_size, 'peaks', encode(head_peaks, 'hex'), 'tails', (
    SELECT coalesce(jsonb_object_agg(e.r, CASE WHEN t.n IS NOT NULL THEN jsonb_build_object('n', t.n, 'last', t.idx) END), '{}')
      FROM (SELECT DISTINCT x.r FROM jsonb_to_recordset(entries) AS x(r text) WHERE x.r IS NOT NULL) e
      LEFT JOIN LATERAL (
        SELECT a.n, a.idx FROM holdpoint.audit_entries a WHERE a.review_id = e.r ORDER BY a.n DESC LIMIT 1
      ) t ON true));
END $fn$;

CREATE FUNCTION holdpoint.append_entries(p jsonb, from_size bigint) RETURNS void LANGUAGE plpgsql AS $fn$
BEGIN
  IF (p->>'next')::bigint <> from_size + jsonb_array_length(p->'entries') THEN
    RAISE EXCEPTION 'the new head does not fit its entries' USING ERRCODE = 'HP002';
  END IF;
  INSERT INTO holdpoint.audit_entries (idx, review_id, n, leaf, hash)
  SELECT from_size + e.k - 1, e.r, e.n, e.l, decode(e.h, 'hex')
    FROM ROWS FROM (jsonb_to_recordset(p->'entries') AS (r text, n integer, l text, h text)) WITH ORDINALITY
      AS e(r, n, l, h, k);
  IF p->'nodes' <> '[]' THEN
    INSERT INTO holdpoint.merkle_nodes (level, idx, hash)
    SELECT n.v, n.i, decode(n.h, 'hex') FROM jsonb_to_recordset(p->'nodes') AS n(v smallint, i bigint, h text);
  END IF;
  UPDATE holdpoint.audit_head
     SET size = (p->>'next')::bigint, root = decode(p->>'root', 'hex'), peaks = decode(p->>'peaks', 'hex');
  PERFORM pg_notify('holdpoint_audit', p->>'next');
END $fn$;

CREATE FUNCTION holdpoint.commit_group(payload text, texts bytea DEFAULT '') RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER
SET search_path = holdpoint, pg_catalog, pg_temp SET enable_seqscan = off SET jit = off AS $fn$
DECLARE
  p jsonb := payload::jsonb;
  head_size bigint;
  head_peaks bytea;
  head_freezes bigint;
  verdict jsonb;
  ledger_rows jsonb;
BEGIN
  PERFORM require_read_committed();
  PERFORM check_rights(p);
  SELECT h.size, h.peaks, h.freeze_version INTO STRICT head_size, head_peaks, head_freezes FROM audit_head h FOR UPDATE;
  IF head_size <> (p->>'size')::bigint OR NOT are_linked(p->'entries', head_size) THEN
    RETURN current_head(p->'entries', head_size, head_peaks);
  END IF;
  IF p->'keys' <> '[]' OR p->'steps' <> '[]' OR p ? 'freezes' THEN
    verdict := judge_group(p, head_freezes);
    IF verdict IS NOT NULL THEN
      RETURN verdict;
    END IF;
    IF jsonb_path_exists(p, '$.steps[*] ? (@.to == "begin")') THEN
      PERFORM check_begins(p);
    END IF;
  END IF;

  IF p ? 'freezes' THEN
    PERFORM check_freezes(p);
    PERFORM check_tree(p, head_size, head_peaks);
  END IF;

  IF p->'steps' <> '[]' THEN
    ledger_rows := move_ledger(p->'steps');
  END IF;
  IF p->'entries' <> '[]' THEN
    PERFORM append_entries(p, head_size);
  END IF;
  IF p ? 'freezes' THEN
    PERFORM write_freezes(p->'freezes');
  END IF;
  IF p->'keys' <> '[]' THEN
    INSERT INTO commit_keys (key, review_id, first, count)
    SELECT k.key, k.review_id, k.first, k.count
      FROM jsonb_to_recordset(p->'keys') AS k(key text, review_id text, first bigint, count integer);
  END IF;
  IF p->'reviews' <> '[]' THEN
    PERFORM write_reviews(p->'reviews', texts);
  END IF;
  IF p->'executions' <> '[]' OR p->'ends' <> '[]' THEN
    PERFORM write_ends(p);
  END IF;
  RETURN jsonb_build_object('kind', 'written', 'rows', ledger_rows);
END $fn$;

-- ◆ Storing an objection and claiming meet at the ledger row. object() holds the row FOR SHARE until it is committed;
-- commit_group locks it FOR UPDATE, counts, and refuses a claim that names another count than it finds. A claim that
-- only looks (NOT EXISTS) misses an objection that commits a moment later, and one that names the highest number it
-- judged misses a lower one that commits after a higher. Each statement needs a snapshot of its own: READ COMMITTED.
CREATE FUNCTION holdpoint.object(objected text, signed text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = holdpoint, pg_catalog, pg_temp SET enable_seqscan = off SET jit = off AS $fn$
DECLARE
  stands text;
BEGIN
  PERFORM require_read_committed();
  SELECT l.state INTO stands FROM ledger l WHERE l.review_id = objected FOR SHARE;
  IF stands IS NULL OR stands NOT IN ('open', 'deferred') THEN
    RETURN CASE WHEN stands IN ('claimed', 'done', 'failed', 'unknown') THEN 'already_started' ELSE 'already_resolved' END;
  END IF;
  INSERT INTO objections (review_id, hash, envelope)
  VALUES (objected, sha256(convert_to(signed, 'UTF8')), signed)
  ON CONFLICT (review_id, hash) DO NOTHING;
  RETURN 'stored';
END $fn$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA holdpoint FROM PUBLIC;
`;
