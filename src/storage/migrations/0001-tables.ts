/**
 * Tables. Times are `timestamptz`; JSON that callers shape is kept as text, not `jsonb`: `jsonb` refuses `\u0000`, and
 * a call must never be unrecordable because of what an agent put into it.
 */
export const tables = `
CREATE TABLE holdpoint.ledger (
  review_id          text COLLATE "C" PRIMARY KEY,
  proposal_digest    text NOT NULL,
  state              text NOT NULL CHECK (state IN ('open', 'denied', 'claimed', 'done', 'failed', 'unknown')),
  opened_at          timestamptz NOT NULL,
  expires_at         timestamptz,
  denial_reason      text,
  denied_at          timestamptz,
  claim_token        text,
  claimed_at         timestamptz,
  send_by            timestamptz,
  settled_by         timestamptz,
  claim_digest       text,
  idempotency_key    text,
  outcome            text,
  reconciled_outcome text CHECK (reconciled_outcome IN ('executed', 'failed')),
  reconciled_by      text,
  reconciled_note    text,
  reconciled_at      timestamptz,
  erased_at          timestamptz,
  changed_at         timestamptz NOT NULL DEFAULT now(),
  CHECK ((state = 'denied') = (denied_at IS NOT NULL)),
  CHECK ((state IN ('claimed', 'done', 'failed', 'unknown')) = (claimed_at IS NOT NULL)),
  CHECK (reconciled_at IS NULL OR state = 'unknown')
) WITH (fillfactor = 80);
CREATE INDEX ledger_unsettled ON holdpoint.ledger (state, review_id)
  WHERE state IN ('open', 'claimed', 'unknown') AND reconciled_at IS NULL;
CREATE INDEX ledger_claims ON holdpoint.ledger (claimed_at) WHERE claimed_at IS NOT NULL;

CREATE TABLE holdpoint.audit_entries (
  idx       bigint PRIMARY KEY,
  review_id text COLLATE "C",
  -- The entry's number within its review, as its leaf says.
  n         integer,
  leaf      text NOT NULL,
  hash      bytea NOT NULL,
  CHECK ((review_id IS NULL) = (n IS NULL))
);
CREATE UNIQUE INDEX audit_entries_review ON holdpoint.audit_entries (review_id, n) WHERE review_id IS NOT NULL;

-- Perfect subtrees of height 1 and more; leaf hashes stand beside their entries.
CREATE TABLE holdpoint.merkle_nodes (
  level smallint NOT NULL,
  idx   bigint NOT NULL,
  hash  bytea NOT NULL,
  PRIMARY KEY (level, idx)
);

-- One row: the right edge of the tree.
CREATE TABLE holdpoint.audit_head (
  one   boolean PRIMARY KEY DEFAULT true CHECK (one),
  size  bigint NOT NULL,
  root  bytea NOT NULL,
  peaks bytea NOT NULL
) WITH (fillfactor = 10);
INSERT INTO holdpoint.audit_head (size, root, peaks) VALUES (0, sha256(''), '');

CREATE TABLE holdpoint.checkpoints (
  size       bigint PRIMARY KEY,
  note       text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE holdpoint.commit_keys (
  key       text COLLATE "C" PRIMARY KEY,
  review_id text COLLATE "C",
  first     bigint NOT NULL,
  count     integer NOT NULL
);

-- Serves reads. "state" is the review without its execution, "list_row" what lists show of it.
CREATE TABLE holdpoint.reviews (
  review_id        text COLLATE "C" PRIMARY KEY,
  status           text COLLATE "C",
  class            text,
  gate             text,
  kind             text,
  service          text,
  tool             text COLLATE "C",
  proposer         text COLLATE "C",
  thread_id        text COLLATE "C",
  group_name       text COLLATE "C",
  sort_at          timestamptz NOT NULL DEFAULT 'infinity',
  ended_at         timestamptz,
  ended_as         text,
  execution_status text,
  execution        text,
  list_row         text,
  state            text,
  last_index       bigint NOT NULL DEFAULT 0,
  erased_at        timestamptz,
  changed_at       timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70);
CREATE INDEX reviews_by_status ON holdpoint.reviews (status, sort_at, review_id);
CREATE INDEX reviews_by_proposer ON holdpoint.reviews (proposer, status, sort_at, review_id);
CREATE INDEX reviews_by_tool ON holdpoint.reviews (tool, status, sort_at, review_id);
CREATE INDEX reviews_by_thread ON holdpoint.reviews (thread_id, status, sort_at, review_id) WHERE thread_id IS NOT NULL;
CREATE INDEX reviews_by_group ON holdpoint.reviews (group_name, status, sort_at, review_id) WHERE group_name IS NOT NULL;
-- What changed after an entry, for event streams; an agent's own without a look at others'.
CREATE INDEX reviews_changed ON holdpoint.reviews (last_index, review_id);
CREATE INDEX reviews_changed_by_proposer ON holdpoint.reviews (proposer, last_index, review_id);
CREATE INDEX reviews_to_erase ON holdpoint.reviews (ended_at) WHERE ended_at IS NOT NULL AND erased_at IS NULL;

-- Who may vote on the open level of a pending review, in the order of lists; "from_at": once escalated. That time is
-- in the index only to be read there: as a key it would tempt the planner away from the order.
CREATE TABLE holdpoint.review_approvers (
  group_name text COLLATE "C" NOT NULL,
  sort_at    timestamptz NOT NULL,
  review_id  text COLLATE "C" NOT NULL,
  from_at    timestamptz NOT NULL DEFAULT '-infinity',
  PRIMARY KEY (review_id, group_name)
);
CREATE INDEX review_approvers_order ON holdpoint.review_approvers (group_name, sort_at, review_id) INCLUDE (from_at);

-- What a proof shows beside the log: signed envelopes in the order they came, and digest inputs by revision.
CREATE TABLE holdpoint.review_envelopes (
  review_id text COLLATE "C" NOT NULL,
  n         bigint GENERATED ALWAYS AS IDENTITY,
  body      text NOT NULL,
  PRIMARY KEY (review_id, n)
);
CREATE TABLE holdpoint.review_materials (
  review_id text COLLATE "C" NOT NULL,
  revision  integer NOT NULL,
  body      text NOT NULL,
  PRIMARY KEY (review_id, revision)
);

CREATE TABLE holdpoint.evidence (
  review_id text COLLATE "C" NOT NULL,
  revision  integer NOT NULL,
  envelope  text NOT NULL,
  PRIMARY KEY (review_id, revision)
);

CREATE TABLE holdpoint.idempotency (
  proposer    text COLLATE "C" NOT NULL,
  key         text COLLATE "C" NOT NULL,
  review_id   text NOT NULL,
  fingerprint text NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (proposer, key)
);
`;
