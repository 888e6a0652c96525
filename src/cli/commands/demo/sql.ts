/** Users inactive since before 2024: 1,247 of the demo's 10,000. */
export const STALE = `status = 'inactive' AND inactive_since < date '2024-01-01'`;
export const STALE_COUNT = 1_247;
export const ALL_COUNT = 10_000;

export const DELETE_STALE = `DELETE FROM users WHERE ${STALE}`;
export const DELETE_ALL = 'DELETE FROM users';

/** Writes the stale users again, exactly as the demo first made them (`embedded/demo/users.sql`). */
export const RESTORE_STALE = `INSERT INTO users
SELECT n, 'user' || lpad(n::text, 5, '0') || '@example.com', 'User ' || n, (ARRAY['free', 'team', 'business'])[1 + n % 3],
  'inactive', date '2021-01-01' + rest % 1095, date '2021-01-01' + rest % 1095
FROM (SELECT n, (n * 7919) % 10000 AS rest FROM generate_series(1, 10000) AS n) AS spread
WHERE rest < 1247
ON CONFLICT DO NOTHING`;
