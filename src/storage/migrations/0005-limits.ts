import { LIMITS } from '../../contract/constants.ts';

/** Keys of advisory locks under which is counted; arbitrary. */
const LOST_LOCK = 0x6c6f_7374;
const SENSITIVE_LOCK = 0x686f_6c73;

/**
 * Limits that hold over all workers, so they are counted here, under a lock and by the database's own clock.
 *
 * Every worker sweeps for lost reviews: a mistake of the operator (another namespace, a server restored empty) makes all
 * reviews look lost at once, and then a person decides. The gate worker asks before it lets a sensitive call through;
 * asking again for the same review (a local activity that is tried again) takes no second place.
 */
export const limits = `
CREATE FUNCTION holdpoint.count_lost() RETURNS bigint LANGUAGE sql STABLE AS $fn$
  SELECT count(*) FROM holdpoint.lost_reviews WHERE settled_at > now() - interval '1 hour'
$fn$;

CREATE FUNCTION holdpoint.take_lost(id text, named jsonb) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = holdpoint, pg_catalog, pg_temp AS $fn$
BEGIN
  PERFORM pg_advisory_xact_lock(${LOST_LOCK});
  IF EXISTS (SELECT FROM sweep_halt) THEN
    RETURN false;
  END IF;
  IF EXISTS (SELECT FROM lost_reviews WHERE review_id = id
              AND (approved_at > now() - interval '1 day' OR settled_at > now() - interval '1 hour')) THEN
    RETURN true;
  END IF;
  IF count_lost() >= ${LIMITS.lostPerHour} THEN
    INSERT INTO sweep_halt (review_ids) VALUES (named);
    RETURN false;
  END IF;
  INSERT INTO lost_reviews (review_id, settled_at) VALUES (id, now())
  ON CONFLICT (review_id) DO UPDATE SET settled_at = now();
  RETURN true;
END $fn$;

CREATE FUNCTION holdpoint.admit_sensitive(of_tool text, of_review text, at_most integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = holdpoint, pg_catalog, pg_temp AS $fn$
BEGIN
  PERFORM pg_advisory_xact_lock(${SENSITIVE_LOCK}, hashtext(of_tool));
  DELETE FROM sensitive_calls c WHERE c.tool = of_tool AND c.at <= clock_timestamp() - interval '1 hour';
  IF EXISTS (SELECT FROM sensitive_calls c WHERE c.tool = of_tool AND c.review_id = of_review) THEN
    RETURN true;
  END IF;
  IF (SELECT count(*) FROM sensitive_calls c WHERE c.tool = of_tool) >= at_most THEN
    RETURN false;
  END IF;
  INSERT INTO sensitive_calls (tool, review_id) VALUES (of_tool, of_review);
  RETURN true;
END $fn$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA holdpoint FROM PUBLIC;
`;
