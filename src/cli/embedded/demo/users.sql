-- The demo's target: 10,000 users, the same ones every time. n * 7919 mod 10000 visits each rest once, which spreads the
-- inactive ones over the ids: rests 0..1246 are inactive since before 2024, 1247..1999 since later, the others active.
BEGIN;
CREATE TABLE users (
  id integer PRIMARY KEY,
  email text NOT NULL UNIQUE,
  name text NOT NULL,
  plan text NOT NULL,
  status text NOT NULL CHECK (status IN ('active', 'inactive')),
  last_active date NOT NULL,
  inactive_since date,
  CHECK ((status = 'inactive') = (inactive_since IS NOT NULL))
);
INSERT INTO users
SELECT
  n,
  'user' || lpad(n::text, 5, '0') || '@example.com',
  'User ' || n,
  (ARRAY['free', 'team', 'business'])[1 + n % 3],
  CASE WHEN rest < 2000 THEN 'inactive' ELSE 'active' END,
  CASE WHEN rest < 2000 THEN since ELSE date '2025-01-01' + (n % 365) END,
  CASE WHEN rest < 2000 THEN since END
FROM (
  SELECT n, rest, CASE WHEN rest < 1247 THEN date '2021-01-01' + rest % 1095 ELSE date '2024-01-01' + rest % 366 END AS since
  FROM (SELECT n, (n * 7919) % 10000 AS rest FROM generate_series(1, 10000) AS n) AS spread
) AS dated;
COMMIT;
