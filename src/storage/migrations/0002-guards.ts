/**
 * What the database itself refuses, whatever program writes: a ledger row that would move back or sideways, any change to
 * what was appended, and what a login has no part in. SQLSTATE `HP001`: a ledger row may not move like that; `HP002`: the log is append-only.
 */
export const guards = `
CREATE FUNCTION holdpoint.guard_ledger_insert() RETURNS trigger LANGUAGE plpgsql AS $fn$
BEGIN
  IF NEW.state NOT IN ('open', 'denied', 'claimed') OR (NEW.state = 'claimed') <> NEW.direct OR NEW.outcome IS NOT NULL THEN
    RAISE EXCEPTION 'a ledger row begins open or denied, or claimed by a call without a workflow' USING ERRCODE = 'HP001';
  END IF;
  RETURN NEW;
END $fn$;

CREATE FUNCTION holdpoint.guard_ledger_update() RETURNS trigger LANGUAGE plpgsql AS $fn$
DECLARE
  moved boolean := OLD.state <> NEW.state;
BEGIN
  IF moved AND NOT (
       (OLD.state IN ('open', 'deferred') AND NEW.state IN ('denied', 'claimed'))
    OR (OLD.state = 'claimed' AND NEW.state IN ('done', 'failed', 'unknown'))
    OR (OLD.state = 'claimed' AND NEW.state = 'deferred' AND OLD.resends = 0)
    OR (OLD.state = 'unknown' AND NEW.state IN ('done', 'failed') AND OLD.reconciled_at IS NULL)) THEN
    RAISE EXCEPTION 'a ledger row moves one way' USING ERRCODE = 'HP001';
  END IF;
  -- What binds the row and its denial are written once, a claim with its step; a deferral takes it back.
  IF (NEW.review_id, NEW.proposal_digest, NEW.direct, NEW.opened_at) IS DISTINCT FROM
     (OLD.review_id, OLD.proposal_digest, OLD.direct, OLD.opened_at)
  OR (NOT (moved AND NEW.state = 'denied') AND
     (NEW.denial_reason, NEW.denied_at) IS DISTINCT FROM (OLD.denial_reason, OLD.denied_at))
  OR (NOT (moved AND NEW.state IN ('claimed', 'deferred')) AND
     (NEW.claim_token, NEW.claimed_at, NEW.send_by, NEW.settled_by, NEW.claim_digest)
     IS DISTINCT FROM
     (OLD.claim_token, OLD.claimed_at, OLD.send_by, OLD.settled_by, OLD.claim_digest))
  OR (NOT (moved AND NEW.state = 'claimed' AND OLD.state = 'open') AND
     (NEW.idempotency_key, NEW.first_claimed_at) IS DISTINCT FROM (OLD.idempotency_key, OLD.first_claimed_at))
  OR (NEW.deferrals <> OLD.deferrals + CASE WHEN moved AND NEW.state = 'deferred' THEN 1 ELSE 0 END)
  OR (NEW.deferral IS DISTINCT FROM OLD.deferral AND NOT (moved AND NEW.state = 'deferred') AND NEW.erased_at IS NULL)
  OR ((NEW.resends, NEW.resend_at) IS DISTINCT FROM (OLD.resends, OLD.resend_at)
     AND (moved OR NEW.state <> 'claimed' OR NEW.resends <> OLD.resends + 1)) THEN
    RAISE EXCEPTION 'this part of a ledger row is written once' USING ERRCODE = 'HP001';
  END IF;
  IF NEW.expires_at IS DISTINCT FROM OLD.expires_at
     AND (OLD.state NOT IN ('open', 'deferred') OR NEW.expires_at IS NULL OR NEW.expires_at > OLD.expires_at) THEN
    RAISE EXCEPTION 'a deadline never moves later' USING ERRCODE = 'HP001';
  END IF;
  IF (NEW.reconciled_outcome, NEW.reconciled_by, NEW.reconciled_at) IS DISTINCT FROM
     (OLD.reconciled_outcome, OLD.reconciled_by, OLD.reconciled_at)
     AND (moved OR OLD.state <> 'unknown' OR OLD.reconciled_at IS NOT NULL) THEN
    RAISE EXCEPTION 'only an unknown outcome is reconciled, once' USING ERRCODE = 'HP001';
  END IF;
  IF NEW.outcome IS DISTINCT FROM OLD.outcome
     AND NOT (moved AND NEW.state IN ('done', 'failed', 'unknown'))
     AND NOT (NEW.erased_at IS NOT NULL AND OLD.erased_at IS NULL) THEN
    RAISE EXCEPTION 'an outcome comes with its state' USING ERRCODE = 'HP001';
  END IF;
  RETURN NEW;
END $fn$;

CREATE FUNCTION holdpoint.refuse_ledger_removal() RETURNS trigger LANGUAGE plpgsql AS $fn$
BEGIN
  RAISE EXCEPTION 'ledger rows stay' USING ERRCODE = 'HP001';
END $fn$;

CREATE FUNCTION holdpoint.refuse_log_change() RETURNS trigger LANGUAGE plpgsql AS $fn$
BEGIN
  RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'HP002';
END $fn$;

CREATE TRIGGER guard_insert BEFORE INSERT ON holdpoint.ledger
  FOR EACH ROW EXECUTE FUNCTION holdpoint.guard_ledger_insert();
CREATE TRIGGER guard_update BEFORE UPDATE ON holdpoint.ledger
  FOR EACH ROW EXECUTE FUNCTION holdpoint.guard_ledger_update();
CREATE TRIGGER guard_removal BEFORE DELETE OR TRUNCATE ON holdpoint.ledger
  FOR EACH STATEMENT EXECUTE FUNCTION holdpoint.refuse_ledger_removal();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON holdpoint.audit_entries
  FOR EACH STATEMENT EXECUTE FUNCTION holdpoint.refuse_log_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON holdpoint.merkle_nodes
  FOR EACH STATEMENT EXECUTE FUNCTION holdpoint.refuse_log_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON holdpoint.commit_keys
  FOR EACH STATEMENT EXECUTE FUNCTION holdpoint.refuse_log_change();

-- For the limit on irreversible calls of a tool.
CREATE FUNCTION holdpoint.note_claim() RETURNS trigger LANGUAGE plpgsql AS $fn$
BEGIN
  INSERT INTO holdpoint.claim_times (tool, claimed_at, review_id)
  SELECT r.tool, NEW.claimed_at, NEW.review_id
    FROM holdpoint.reviews r WHERE r.review_id = NEW.review_id AND r.class = 'irreversible'
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $fn$;
CREATE TRIGGER note_claim AFTER UPDATE OF claimed_at ON holdpoint.ledger
FOR EACH ROW WHEN (OLD.claimed_at IS NULL AND NEW.claimed_at IS NOT NULL) EXECUTE FUNCTION holdpoint.note_claim();

-- A deferred call has not run.
CREATE FUNCTION holdpoint.forget_claim() RETURNS trigger LANGUAGE plpgsql AS $fn$
BEGIN
  DELETE FROM holdpoint.claim_times c
   USING holdpoint.reviews r
   WHERE r.review_id = NEW.review_id AND c.tool = r.tool AND c.claimed_at = OLD.claimed_at AND c.review_id = NEW.review_id;
  RETURN NULL;
END $fn$;
CREATE TRIGGER forget_claim AFTER UPDATE OF claimed_at ON holdpoint.ledger
FOR EACH ROW WHEN (OLD.claimed_at IS NOT NULL AND NEW.claimed_at IS NULL) EXECUTE FUNCTION holdpoint.forget_claim();

-- Gate: proposals, decisions and every no. Execute: claims and what came of them, a no of its own, and calls that begin
-- without a workflow. Neither may write the other's entries; a login that holds both (one process for everything) may write
-- all. Review: freezes, and nothing else.
CREATE FUNCTION holdpoint.check_rights(p jsonb) RETURNS void LANGUAGE plpgsql AS $fn$
DECLARE
  gate boolean := has_function_privilege(session_user, 'holdpoint.may_gate()', 'EXECUTE');
  worker boolean := has_function_privilege(session_user, 'holdpoint.may_execute()', 'EXECUTE');
  review boolean := has_function_privilege(session_user, 'holdpoint.may_freeze()', 'EXECUTE');
  kinds text[] := '{}';
  types text[] := '{}';
  begun text[] := '{}';
BEGIN
  IF gate AND worker THEN
    RETURN;
  END IF;
  IF gate THEN
    kinds := '{open,tighten,deny,reconcile}';
    types := '{proposed,classified,notified,decided,revised,withdrawn,expired,aborted,finished,reconciled,policy_changed}';
  ELSIF worker THEN
    kinds := '{begin,deny,claim,defer,resend,finish,unknown}';
    types := '{started,deferred,finished,unknown,aborted,expired,objected,lifted}';
    SELECT coalesce(array_agg(s.review_id), '{}') INTO begun
      FROM jsonb_to_recordset(p->'steps') AS s("to" text, review_id text) WHERE s."to" = 'begin';
  ELSIF review THEN
    types := '{frozen}';
  END IF;
  IF (NOT gate AND NOT worker AND NOT review)
  -- A freeze takes its entry and nothing else: with the key of another's commit it would look as if that had been made.
  OR (NOT gate AND NOT worker AND jsonb_build_array(p->'steps', p->'keys', p->'reviews', p->'executions', p->'ends')
                                  IS DISTINCT FROM '[[], [], [], [], []]'::jsonb)
  -- Whoever executes is who lifts, for an envelope that it verified; a freeze takes none.
  OR EXISTS (SELECT FROM jsonb_to_recordset(p->'freezes') AS f("to" text)
              WHERE f."to" IS DISTINCT FROM CASE WHEN worker THEN 'lift' WHEN review THEN 'freeze' END)
  OR (NOT p ? 'freezes' AND EXISTS (SELECT FROM jsonb_to_recordset(p->'entries') AS e(l text)
                                     WHERE holdpoint.member_of(e.l, 'type') IN ('frozen', 'lifted')))
  OR EXISTS (SELECT FROM jsonb_to_recordset(p->'steps') AS s("to" text) WHERE s."to" <> ALL (kinds))
  -- What belongs to a call that begins, check_begins judges (0007-begin).
  OR EXISTS (SELECT FROM jsonb_to_recordset(p->'entries') AS e(r text, l text)
              WHERE holdpoint.member_of(e.l, 'type') <> ALL (types) AND coalesce(e.r, '') <> ALL (begun))
  OR (NOT gate AND (p->'ends' <> '[]'
      OR EXISTS (SELECT FROM jsonb_to_recordset(p->'reviews') AS w(review_id text) WHERE w.review_id <> ALL (begun)))) THEN
    RAISE EXCEPTION 'this role may not write that' USING ERRCODE = '42501';
  END IF;
END $fn$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA holdpoint FROM PUBLIC;
`;
