/**
 * What is told of the log, and to whom. Rows of the gate worker: nothing here decides or proves anything, and a notice
 * that somebody forged here would name a review whose state is read when it is told.
 */
export const deliveries = `
-- One row: where the fan-out stands. What was logged before there was one is old news.
CREATE TABLE holdpoint.delivery_cursor (
  one  boolean PRIMARY KEY DEFAULT true CHECK (one),
  next bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO holdpoint.delivery_cursor (next) SELECT size FROM holdpoint.audit_head;

-- A callback has no row but for its lease: it is about one review, and told once.
CREATE TABLE holdpoint.destinations (
  name          text COLLATE "C" PRIMARY KEY,
  since         bigint,
  disabled_code text,
  lease_token   text,
  lease_until   timestamptz,
  looked_at     timestamptz
) WITH (fillfactor = 50);

CREATE TABLE holdpoint.deliveries (
  destination text COLLATE "C" NOT NULL,
  idx         bigint NOT NULL,
  ord         smallint NOT NULL,
  review_id   text COLLATE "C" NOT NULL,
  event       text NOT NULL,
  at          text NOT NULL,
  vote        text,
  state       text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'skipped', 'failed')),
  attempts    integer NOT NULL DEFAULT 0,
  counted     boolean NOT NULL DEFAULT false,
  code        text,
  http_status integer,
  created_at  timestamptz NOT NULL DEFAULT now(),
  tried_at    timestamptz,
  settled_at  timestamptz,
  PRIMARY KEY (destination, idx, ord)
) WITH (fillfactor = 70);
-- The final answer of a review is told once, whatever else its log goes on to say.
CREATE UNIQUE INDEX deliveries_final ON holdpoint.deliveries (destination) WHERE event = 'review.final';
CREATE INDEX deliveries_waiting ON holdpoint.deliveries (destination, idx, ord) WHERE state = 'waiting';
CREATE INDEX deliveries_counted ON holdpoint.deliveries (destination, settled_at) WHERE counted;
CREATE INDEX deliveries_settled ON holdpoint.deliveries (settled_at) WHERE settled_at IS NOT NULL;
CREATE INDEX deliveries_order ON holdpoint.deliveries (idx, destination, ord);
CREATE INDEX deliveries_review ON holdpoint.deliveries (review_id, idx, destination, ord);

CREATE TABLE holdpoint.channel_memory (
  destination text COLLATE "C" NOT NULL,
  review_id   text COLLATE "C" NOT NULL,
  value       text NOT NULL,
  written_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (destination, review_id)
);
CREATE INDEX channel_memory_age ON holdpoint.channel_memory (written_at);
`;
