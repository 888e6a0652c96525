/** Sessions of the dashboard and single-use keys of sign-in links: rows of the api, no part of what decides or proves. */
export const signIn = `
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
`;
