import { LIMITS } from '../../contract/constants.ts';

/** Key of the advisory lock under which lost reviews are counted; arbitrary. */
const LOST_LOCK = 0x6c6f_7374;

/**
 * The Temporal that this database belongs to, and the limit on what sweeps settle as lost. Counted here, under a lock,
 * because every worker sweeps: a mistake of the operator (another namespace, a server restored empty) makes all
 * reviews look lost at once, and then a person decides.
 */
export const recovery = `
CREATE TABLE holdpoint.temporal_binding (
  one          boolean PRIMARY KEY DEFAULT true CHECK (one),
  namespace_id text NOT NULL,
  cluster_id   text,
  bound_at     timestamptz NOT NULL DEFAULT now()
);

-- "settled_at": by a sweep on its own; "approved_at": by a person.
CREATE TABLE holdpoint.lost_reviews (
  review_id   text COLLATE "C" PRIMARY KEY,
  settled_at  timestamptz,
  approved_at timestamptz
);
CREATE INDEX lost_reviews_settled ON holdpoint.lost_reviews (settled_at) WHERE settled_at IS NOT NULL;

CREATE TABLE holdpoint.sweep_halt (
  one        boolean PRIMARY KEY DEFAULT true CHECK (one),
  halted_at  timestamptz NOT NULL DEFAULT now(),
  review_ids jsonb NOT NULL
);

-- The limit on pending reviews counts them whenever a call is held.
CREATE INDEX reviews_pending ON holdpoint.reviews (proposer)
 WHERE status IN ('pending', 'changes_requested') AND gate = 'hard';

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

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA holdpoint FROM PUBLIC;
`;
