/**
 * A call without a workflow: the execute worker opens its row and claims it in one step. That step alone lets it write what
 * is otherwise the gate's to write, so what goes with it is judged here, whatever program writes.
 */
export const begin = `
-- A string member of a leaf; '' where there is none. Not parsed as JSON, which refuses NUL in any string. No string of a
-- leaf can hold an unescaped quotation mark.
CREATE FUNCTION holdpoint.member_of(leaf text, name text) RETURNS text LANGUAGE sql IMMUTABLE AS $fn$
  SELECT coalesce(substring(leaf FROM '[{,]"' || name || '":"([a-z_]+)"'), '')
$fn$;

-- A call that begins without a workflow is recorded as exactly that: proposed, classified as reversible and without a gate,
-- started, and a review that needed no decision. Who may only execute gets no other review into the log.
CREATE FUNCTION holdpoint.check_begins(p jsonb) RETURNS void LANGUAGE plpgsql AS $fn$
BEGIN
  IF EXISTS (
    WITH told AS (
      SELECT e.r, string_agg(e.n || ' ' || holdpoint.member_of(e.l, 'type') || CASE e.n WHEN 2 THEN
               concat_ws(' ', '', holdpoint.member_of(e.l, 'class'), holdpoint.member_of(e.l, 'gate'),
                         holdpoint.member_of(e.l, 'status')) ELSE '' END, ', ' ORDER BY e.k) AS story
        FROM ROWS FROM (jsonb_to_recordset(p->'entries') AS (r text, n integer, l text)) WITH ORDINALITY AS e(r, n, l, k)
       GROUP BY e.r
    ), shown AS (
      SELECT w.review_id, count(*) AS times, bool_and(w.kind = 'call' AND w.class = 'reversible' AND w.gate = 'none'
               AND w.status = 'not_required' AND w.execution_status = 'executing' AND w.approvers = '{}'
               AND cardinality(w.envelopes) = 1 AND w.revisions = '{1}' AND cardinality(w.materials) = 1) AS is_free
        FROM jsonb_to_recordset(p->'reviews') AS w(review_id text, kind text, class text, gate text, status text,
               execution_status text, approvers text[], envelopes integer[], materials integer[], revisions integer[])
       GROUP BY w.review_id
    )
    SELECT FROM jsonb_to_recordset(p->'steps') AS s("to" text, review_id text)
      LEFT JOIN told ON told.r = s.review_id LEFT JOIN shown ON shown.review_id = s.review_id
     WHERE s."to" = 'begin' AND (
       told.story IS DISTINCT FROM '1 proposed, 2 classified reversible none not_required, 3 started'
       OR shown.times IS DISTINCT FROM 1 OR shown.is_free IS NOT TRUE)
  ) THEN
    RAISE EXCEPTION 'a call without a workflow begins free and started' USING ERRCODE = 'HP001';
  END IF;
END $fn$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA holdpoint FROM PUBLIC;
`;
