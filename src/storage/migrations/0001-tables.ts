/**
 * Tables. Times are `timestamptz`; JSON that callers shape is kept as text, not `jsonb`: `jsonb` refuses `\u0000`, and
 * a call must never be unrecordable because of what an agent put into it.
 */
export const tables = `
CREATE TABLE holdpoint.ledger (
  review_id          text COLLATE "C" PRIMARY KEY,
  proposal_digest    text NOT NULL,
  direct             boolean NOT NULL DEFAULT false, -- claimed as it was opened: a call without a workflow
  state              text NOT NULL CHECK (state IN ('open', 'deferred', 'denied', 'claimed', 'done', 'failed', 'unknown')),
  opened_at          timestamptz NOT NULL,
  expires_at         timestamptz,
  denial_reason      text,
  denied_at          timestamptz,
  claim_token        text,
  claimed_at         timestamptz,
  -- Of the first claim, before any deferral; the idempotency key is the first one's too.
  first_claimed_at   timestamptz,
  send_by            timestamptz,
  settled_by         timestamptz,
  claim_digest       text,
  idempotency_key    text,
  -- How often the call was sent again under this claim, and before when it is not sent again.
  resends            integer NOT NULL DEFAULT 0,
  resend_at          timestamptz,
  deferral           text, -- the last one
  deferrals          integer NOT NULL DEFAULT 0, -- how many there were
  outcome            text,
  reconciled_outcome text CHECK (reconciled_outcome IN ('executed', 'failed')),
  reconciled_by      text,
  reconciled_note    text,
  reconciled_at      timestamptz,
  erased_at          timestamptz,
  changed_at         timestamptz NOT NULL DEFAULT now(),
  CHECK ((state = 'denied') = (denied_at IS NOT NULL)),
  CHECK ((state IN ('claimed', 'done', 'failed', 'unknown')) = (claimed_at IS NOT NULL)),
  CHECK (claimed_at IS NULL OR first_claimed_at IS NOT NULL),
  CHECK (state <> 'deferred' OR deferrals > 0),
  CHECK (reconciled_at IS NULL OR state = 'unknown')
) WITH (fillfactor = 80);
CREATE INDEX ledger_unsettled ON holdpoint.ledger (state, review_id)
  WHERE state IN ('open', 'deferred', 'claimed', 'unknown') AND reconciled_at IS NULL;
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
  revision         integer,
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
-- The limit on pending reviews counts them whenever a call is held.
CREATE INDEX reviews_pending ON holdpoint.reviews (proposer)
 WHERE status IN ('pending', 'changes_requested') AND gate = 'hard';
-- What an agent has tried with a tool: what is still open, then what ended last.
CREATE INDEX reviews_tried ON holdpoint.reviews (proposer, tool, (coalesce(ended_at, 'infinity'::timestamptz)), review_id)
 WHERE kind = 'call' AND gate = 'hard';
-- Few among many, in the order of lists: calls that wait to be reconciled, and approved ones not claimed yet.
CREATE INDEX reviews_outcome_unknown ON holdpoint.reviews (status, sort_at, review_id)
 WHERE execution_status = 'outcome_unknown';
CREATE INDEX reviews_not_started ON holdpoint.reviews (status, sort_at, review_id)
 WHERE status = 'approved' AND kind = 'call' AND execution_status = 'not_started';
CREATE INDEX reviews_to_erase ON holdpoint.reviews (ended_at, review_id) WHERE ended_at IS NOT NULL AND erased_at IS NULL;

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
  -- The review was another proposal's when the key was bound to it.
  attached    boolean NOT NULL DEFAULT false,
  created_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (proposer, key)
);

-- Signed rejects (and requests for changes) as they were said: stored before any workflow is told of them, and judged by
-- the execute worker at the claim, so that no reset and no lost signal takes one back.
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

-- When irreversible calls of each tool were claimed: the limit per tool and hour counts them along one index, whatever
-- else was claimed in that hour.
CREATE TABLE holdpoint.claim_times (
  tool       text COLLATE "C" NOT NULL,
  claimed_at timestamptz NOT NULL,
  review_id  text COLLATE "C" NOT NULL,
  PRIMARY KEY (tool, claimed_at, review_id)
);

-- Sensitive calls that were let through without a decision in the last hour.
CREATE TABLE holdpoint.sensitive_calls (
  tool       text COLLATE "C" NOT NULL,
  at         timestamptz NOT NULL DEFAULT clock_timestamp(),
  review_id  text COLLATE "C" NOT NULL,
  PRIMARY KEY (tool, at, review_id)
);

-- The Temporal that this database belongs to, and what sweeps settled as lost.
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

-- Statements of completeness (signed by the execute worker) and who waits for one.
CREATE TABLE holdpoint.statement_requests (
  review_id text COLLATE "C" PRIMARY KEY,
  asked_at  timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE holdpoint.statements (
  review_id text COLLATE "C" PRIMARY KEY,
  envelope  text NOT NULL
);

-- What upstream MCP servers say of their tools. The execute worker writes it, since it alone may start them; the others
-- read it. "first_digest" never changes: that a tool is no longer what it was stays visible.
CREATE TABLE holdpoint.upstream_tools (
  server       text COLLATE "C" NOT NULL,
  tool         text COLLATE "C" NOT NULL,
  first_digest text NOT NULL, first_parts text NOT NULL,
  digest       text, parts text NOT NULL, definition text,
  previous     text,
  seen_at      timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (server, tool)
);

-- Sessions of the dashboard and single-use keys of sign-in links: rows of the api, no part of what decides or proves.
CREATE TABLE holdpoint.sessions (
  id_hash        text COLLATE "C" PRIMARY KEY,
  reviewer       text COLLATE "C" NOT NULL,
  method         text NOT NULL CHECK (method IN ('token', 'link', 'oidc')),
  credential     text NOT NULL,
  claimed_groups text,
  started_at     timestamptz NOT NULL,
  seen_at        timestamptz NOT NULL,
  ends_at        timestamptz NOT NULL
);
CREATE INDEX sessions_reviewer ON holdpoint.sessions (reviewer);
CREATE INDEX sessions_end ON holdpoint.sessions (ends_at);

CREATE TABLE holdpoint.used_once (
  key   text COLLATE "C" PRIMARY KEY,
  until timestamptz NOT NULL
);
CREATE INDEX used_once_until ON holdpoint.used_once (until);

-- What is told of the log, and to whom. Rows of the gate worker: nothing here decides or proves anything, and a forged
-- notice would name a review whose state is read when it is told. One row: where the fan-out stands. What was logged before there was one is old news.
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
  -- Whom a message to others, a Slack channel, calls by name, and when: it counts as told for each of them.
  mentioned    text[],
  mentioned_at timestamptz,
  PRIMARY KEY (destination, idx, ord)
) WITH (fillfactor = 70);
-- The final answer of a review is told once, whatever else its log goes on to say.
CREATE UNIQUE INDEX deliveries_final ON holdpoint.deliveries (destination) WHERE event = 'review.final';
CREATE INDEX deliveries_waiting ON holdpoint.deliveries (destination, idx, ord) WHERE state = 'waiting';
CREATE INDEX deliveries_counted ON holdpoint.deliveries (destination, settled_at) WHERE counted;
CREATE INDEX deliveries_settled ON holdpoint.deliveries (settled_at) WHERE settled_at IS NOT NULL;
CREATE INDEX deliveries_mentioned ON holdpoint.deliveries (mentioned_at) WHERE mentioned_at IS NOT NULL;
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
