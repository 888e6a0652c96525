/**
 * When irreversible calls of each tool were claimed: the limit per tool and hour counts them along one index, whatever
 * else was claimed in that hour.
 */
export const claimTimes = `
CREATE TABLE holdpoint.claim_times (
  tool       text COLLATE "C" NOT NULL,
  claimed_at timestamptz NOT NULL,
  review_id  text COLLATE "C" NOT NULL,
  PRIMARY KEY (tool, claimed_at, review_id)
);
INSERT INTO holdpoint.claim_times (tool, claimed_at, review_id)
SELECT r.tool, l.claimed_at, l.review_id
  FROM holdpoint.ledger l JOIN holdpoint.reviews r ON r.review_id = l.review_id
 WHERE l.claimed_at IS NOT NULL AND r.class = 'irreversible';

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
`;
