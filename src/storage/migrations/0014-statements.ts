/** Statements of completeness (signed by the execute worker) and who waits for one. */
export const statements = `
CREATE TABLE holdpoint.statement_requests (
  review_id text COLLATE "C" PRIMARY KEY,
  asked_at  timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE holdpoint.statements (
  review_id text COLLATE "C" PRIMARY KEY,
  envelope  text NOT NULL
);
`;
