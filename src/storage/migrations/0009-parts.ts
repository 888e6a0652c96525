/**
 * Which processes are there, and which files the deployment last put in force. The heartbeats are unlogged: they are
 * written every few seconds, mean nothing after a crash, and must not come back with a restored copy.
 */
export const parts = `
CREATE UNLOGGED TABLE holdpoint.parts (
  instance      text PRIMARY KEY CHECK (length(instance) BETWEEN 1 AND 300),
  part          text NOT NULL CHECK (part ~ '^[a-z-]{1,30}$'),
  version       text NOT NULL CHECK (length(version) <= 100),
  config_digest text NOT NULL CHECK (length(config_digest) <= 80),
  policy_digest text NOT NULL CHECK (length(policy_digest) <= 80),
  problems      text[] NOT NULL CHECK (cardinality(problems) <= 50),
  -- Who else may replace the row: one process could otherwise answer for another.
  login         name NOT NULL DEFAULT session_user,
  files_since   timestamptz NOT NULL,
  since         timestamptz NOT NULL,
  seen_at       timestamptz NOT NULL
);

CREATE UNLOGGED TABLE holdpoint.disk_probe (filler text NOT NULL);
-- What is compressed takes no room.
ALTER TABLE holdpoint.disk_probe ALTER COLUMN filler SET STORAGE EXTERNAL;

CREATE TABLE holdpoint.files_in_force (
  one    boolean PRIMARY KEY DEFAULT true CHECK (one),
  digest text NOT NULL CHECK (length(digest) <= 80),
  at     timestamptz NOT NULL DEFAULT now()
);

-- A heartbeat. A login says only of parts that it can be that they are there. Returns the time here, ms.
CREATE FUNCTION holdpoint.beat(p_instance text, p_part text, p_version text, p_config text, p_policy text,
  p_problems text[]) RETURNS double precision LANGUAGE plpgsql SECURITY DEFINER
SET search_path = holdpoint, pg_catalog, pg_temp AS $fn$
BEGIN
  IF p_part IN ('gate', 'worker', 'all') AND NOT has_function_privilege(session_user, 'holdpoint.may_gate()', 'EXECUTE')
     OR p_part IN ('execute', 'worker', 'all')
        AND NOT has_function_privilege(session_user, 'holdpoint.may_execute()', 'EXECUTE') THEN
    RAISE EXCEPTION 'this login is not of that part' USING ERRCODE = '42501';
  END IF;
  INSERT INTO parts AS old (instance, part, version, config_digest, policy_digest, problems, files_since, since, seen_at)
  VALUES (p_instance, p_part, p_version, p_config, p_policy, p_problems, now(), now(), now())
  ON CONFLICT (instance) DO UPDATE SET
    files_since = CASE WHEN (old.config_digest, old.policy_digest) = (p_config, p_policy) THEN old.files_since ELSE now() END,
    config_digest = p_config, policy_digest = p_policy, problems = p_problems, seen_at = now()
  WHERE old.login = session_user;
  DELETE FROM parts WHERE instance IN (
    SELECT instance FROM parts WHERE seen_at < now() - interval '10 minutes' FOR UPDATE SKIP LOCKED);
  RETURN extract(epoch FROM clock_timestamp()) * 1000;
END $fn$;

-- A part that ends in order is not missed.
CREATE FUNCTION holdpoint.leave(p_instance text) RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = holdpoint, pg_catalog, pg_temp AS $fn$
  DELETE FROM parts WHERE instance = p_instance AND login = session_user
$fn$;

-- Takes new room on the disk and gives it back. A row that changes in place would not notice a full disk.
CREATE FUNCTION holdpoint.probe_disk() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = holdpoint, pg_catalog, pg_temp AS $fn$
BEGIN
  IF NOT pg_try_advisory_xact_lock(1215261796, 9) THEN RETURN; END IF;
  TRUNCATE disk_probe;
  INSERT INTO disk_probe VALUES (repeat('x', 65536));
  TRUNCATE disk_probe;
END $fn$;

-- The newest files that a part has read and put in force: a copy of older ones is not fallen back to.
CREATE FUNCTION holdpoint.put_files_in_force(p_digest text) RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = holdpoint, pg_catalog, pg_temp AS $fn$
  INSERT INTO files_in_force (digest) VALUES (p_digest)
  ON CONFLICT (one) DO UPDATE SET digest = p_digest, at = now() WHERE files_in_force.digest <> p_digest
$fn$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA holdpoint FROM PUBLIC;
`;
