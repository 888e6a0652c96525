/**
 * What operators stop while everything runs. `audit_head.freeze_version` rises with every freeze and every lift, under the
 * lock of the head that every claim takes as well, so a claim comes before a freeze or knows of it. A row stays: it ends by
 * a lift that the execute worker verified, and by nothing else.
 */
export const freeze = `
ALTER TABLE holdpoint.audit_head ADD COLUMN freeze_version bigint NOT NULL DEFAULT 0;

-- "version": with which it began; "lifted_version": with which it ended, by the lift "lift".
CREATE TABLE holdpoint.freezes (
  freeze_id      text COLLATE "C" PRIMARY KEY CHECK (freeze_id ~ '^frz_[0-9A-Z]{26}$'),
  version        bigint NOT NULL,
  envelope       text NOT NULL CHECK (octet_length(envelope) <= 65536),
  lifted_version bigint,
  lift           bigint,
  CHECK ((lifted_version IS NULL) = (lift IS NULL))
);
CREATE INDEX freezes_standing ON holdpoint.freezes (version) WHERE lifted_version IS NULL;

-- Lifts that were asked for. "verdict": what the execute worker found.
CREATE TABLE holdpoint.lifts (
  n         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  freeze_id text COLLATE "C" NOT NULL REFERENCES holdpoint.freezes,
  hash      bytea NOT NULL UNIQUE,
  envelope  text NOT NULL CHECK (octet_length(envelope) <= 65536),
  verdict   text
);
CREATE INDEX lifts_unjudged ON holdpoint.lifts (n) WHERE verdict IS NULL;

CREATE FUNCTION holdpoint.guard_freeze() RETURNS trigger LANGUAGE plpgsql AS $fn$
BEGIN
  IF TG_OP = 'UPDATE' AND OLD.lifted_version IS NULL AND NEW.lifted_version IS NOT NULL
     AND (NEW.freeze_id, NEW.version, NEW.envelope) = (OLD.freeze_id, OLD.version, OLD.envelope) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'a freeze stays, and is lifted once' USING ERRCODE = 'HP002';
END $fn$;
CREATE TRIGGER guard BEFORE UPDATE OR DELETE ON holdpoint.freezes FOR EACH ROW EXECUTE FUNCTION holdpoint.guard_freeze();
CREATE TRIGGER guard_removal BEFORE TRUNCATE ON holdpoint.freezes
  FOR EACH STATEMENT EXECUTE FUNCTION holdpoint.refuse_log_change();

CREATE FUNCTION holdpoint.may_freeze() RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';

CREATE FUNCTION holdpoint.envelope_digest(envelope text) RETURNS text LANGUAGE sql IMMUTABLE AS $fn$
  SELECT 'sha256:' || encode(sha256(decode(envelope::jsonb->>'payload', 'base64')), 'hex')
$fn$;

-- Each freeze and each lift is in the log, as one entry that names it and its envelope, and nothing else is.
CREATE FUNCTION holdpoint.check_freezes(p jsonb) RETURNS void LANGUAGE plpgsql AS $fn$
DECLARE
  told text[] := '{}';
  done text[] := '{}';
BEGIN
  SELECT coalesce(array_agg(x.said ORDER BY x.said), '{}') INTO told FROM (
    SELECT concat_ws(' ', t.type, substring(e.l FROM '[{,]"freezeId":"([^"]*)"'),
                     substring(e.l FROM '[{,]"envelopeDigest":"([^"]*)"'))
      FROM jsonb_to_recordset(p->'entries') AS e(l text), holdpoint.member_of(e.l, 'type') AS t(type)
     WHERE t.type IN ('frozen', 'lifted')) AS x(said);
  SELECT coalesce(array_agg(x.said ORDER BY x.said), '{}') INTO done FROM (
    SELECT concat_ws(' ', CASE f."to" WHEN 'freeze' THEN 'frozen' ELSE 'lifted' END, f.freeze_id,
                     holdpoint.envelope_digest(coalesce(f.envelope, l.envelope)))
      FROM jsonb_to_recordset(p->'freezes') AS f("to" text, freeze_id text, envelope text, n bigint)
      LEFT JOIN holdpoint.lifts l ON f."to" = 'lift' AND l.n = f.n) AS x(said);
  IF told IS DISTINCT FROM done THEN
    RAISE EXCEPTION 'a freeze or a lift does not fit its entry' USING ERRCODE = 'HP001';
  END IF;
END $fn$;

-- The review api appends nothing but freezes, and what hangs on the log is more than they are: its hashes are made anew.
CREATE FUNCTION holdpoint.check_tree(p jsonb, from_size bigint, from_peaks bytea) RETURNS void LANGUAGE plpgsql AS $fn$
DECLARE
  e record;
  hash bytea;
  root bytea;
  size bigint := from_size;
  peaks bytea := from_peaks;
  nodes jsonb := '[]';
  rest bigint;
  level integer;
BEGIN
  FOR e IN SELECT * FROM jsonb_to_recordset(p->'entries') AS e(l text, h text) LOOP
    hash := sha256('\\x00'::bytea || convert_to(e.l, 'UTF8'));
    IF e.h IS DISTINCT FROM encode(hash, 'hex') THEN
      RAISE EXCEPTION 'an entry does not have this hash' USING ERRCODE = 'HP002';
    END IF;
    rest := size;
    level := 0;
    WHILE rest % 2 = 1 LOOP
      hash := sha256('\\x01'::bytea || substring(peaks FROM length(peaks) - 31) || hash);
      peaks := substring(peaks FROM 1 FOR length(peaks) - 32);
      level := level + 1;
      nodes := nodes || jsonb_build_object('v', level, 'i', size >> level, 'h', encode(hash, 'hex'));
      rest := rest >> 1;
    END LOOP;
    peaks := peaks || hash;
    size := size + 1;
  END LOOP;
  root := substring(peaks FROM length(peaks) - 31);
  FOR rest IN REVERSE length(peaks) / 32 - 1 .. 1 LOOP
    root := sha256('\\x01'::bytea || substring(peaks FROM (rest::integer - 1) * 32 + 1 FOR 32) || root);
  END LOOP;
  IF jsonb_build_array(p->'nodes', p->'peaks', p->'root')
     IS DISTINCT FROM jsonb_build_array(nodes, encode(peaks, 'hex'), encode(root, 'hex')) THEN
    RAISE EXCEPTION 'the new head does not fit its entries' USING ERRCODE = 'HP002';
  END IF;
END $fn$;

-- Freezes that cannot be written: one that is there already, one that does not stand, a lift of another.
CREATE FUNCTION holdpoint.judge_freezes(freezes jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $fn$
  SELECT coalesce(jsonb_agg(jsonb_build_object('freezeId', f.freeze_id)), '[]')
    FROM jsonb_to_recordset(freezes) AS f("to" text, freeze_id text, n bigint)
   WHERE CASE f."to"
         WHEN 'freeze' THEN EXISTS (SELECT FROM holdpoint.freezes s WHERE s.freeze_id = f.freeze_id)
         ELSE NOT EXISTS (SELECT FROM holdpoint.freezes s JOIN holdpoint.lifts l ON l.freeze_id = s.freeze_id
                           WHERE s.freeze_id = f.freeze_id AND s.lifted_version IS NULL
                             AND l.n = f.n AND l.verdict IS NULL) END
$fn$;

CREATE FUNCTION holdpoint.write_freezes(freezes jsonb) RETURNS void LANGUAGE plpgsql AS $fn$
DECLARE
  f record;
  v bigint;
BEGIN
  FOR f IN SELECT * FROM jsonb_to_recordset(freezes) AS f("to" text, freeze_id text, envelope text, n bigint) LOOP
    UPDATE holdpoint.audit_head SET freeze_version = freeze_version + 1 RETURNING freeze_version INTO v;
    IF f."to" = 'freeze' THEN
      INSERT INTO holdpoint.freezes (freeze_id, version, envelope) VALUES (f.freeze_id, v, f.envelope);
    ELSE
      UPDATE holdpoint.freezes SET lifted_version = v, lift = f.n WHERE freeze_id = f.freeze_id;
      UPDATE holdpoint.lifts SET verdict = 'lifted' WHERE n = f.n;
    END IF;
  END LOOP;
END $fn$;

CREATE FUNCTION holdpoint.ask_lift(of_freeze text, signed text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = holdpoint, pg_catalog, pg_temp AS $fn$
BEGIN
  IF NOT EXISTS (SELECT FROM freezes WHERE freeze_id = of_freeze AND lifted_version IS NULL) THEN
    RETURN 'not_frozen';
  END IF;
  INSERT INTO lifts (freeze_id, hash, envelope) VALUES (of_freeze, sha256(convert_to(signed, 'UTF8')), signed)
  ON CONFLICT (hash) DO NOTHING;
  RETURN 'stored';
END $fn$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA holdpoint FROM PUBLIC;
`;
