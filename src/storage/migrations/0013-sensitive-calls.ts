const LOCK = 0x686f_6c73;

/**
 * Sensitive calls that were let through without a decision in the last hour. The gate worker asks before it lets one
 * through; one question per tool at a time, by the database's own clock, so that the limit holds over all workers.
 * Asking again for the same review (a local activity that is tried again) takes no second place.
 */
export const sensitiveCalls = `
CREATE TABLE holdpoint.sensitive_calls (
  tool       text COLLATE "C" NOT NULL,
  at         timestamptz NOT NULL DEFAULT clock_timestamp(),
  review_id  text COLLATE "C" NOT NULL,
  PRIMARY KEY (tool, at, review_id)
);

CREATE FUNCTION holdpoint.admit_sensitive(of_tool text, of_review text, at_most integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = holdpoint, pg_catalog, pg_temp AS $fn$
BEGIN
  PERFORM pg_advisory_xact_lock(${LOCK}, hashtext(of_tool));
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
REVOKE ALL ON FUNCTION holdpoint.admit_sensitive(text, text, integer) FROM PUBLIC;
`;
