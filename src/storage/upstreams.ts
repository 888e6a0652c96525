import type { ListedTool, ToolParts, UpstreamDefinition, UpstreamTool } from '../domain/upstream.ts';
import type { Store } from '../ports/store.ts';
import type { Query } from './database/database.ts';

/**
 * Names of one server that are remembered. Nothing is ever forgotten of a tool, so a server that lists other names again
 * and again would fill the table, which every process reads whole.
 */
const MOST_NAMES = 2_000;

/** What upstream MCP servers say of their tools. See {@link Store}. */
export function createUpstreamStore(query: Query): Pick<Store, 'putUpstreamTools' | 'readUpstreamTools'> {
  return {
    putUpstreamTools: (server, tools) => putUpstreamTools(query, server, tools),
    readUpstreamTools: () => readUpstreamTools(query),
  };
}

/**
 * Replaces what is known of an upstream's tools by what it lists now. What a tool was at first stays. Returns how many
 * new names were left out because the server has had too many.
 */
async function putUpstreamTools(query: Query, server: string, tools: readonly ListedTool[]): Promise<number> {
  const rows = tools.map(({ name, digest, parts, definition }) => ({
    name,
    digest,
    parts: JSON.stringify(parts),
    definition: JSON.stringify(definition),
  }));
  const [result] = await query<{ left_out: number }>(
    `WITH listed AS (
       SELECT t.name, t.digest, t.parts, t.definition, old.tool IS NULL AS fresh
       FROM jsonb_to_recordset($2::jsonb) AS t(name text, digest text, parts text, definition text)
       LEFT JOIN holdpoint.upstream_tools AS old ON old.server = $1 AND old.tool = t.name
     ), gone AS (
       UPDATE holdpoint.upstream_tools AS old SET digest = NULL, definition = NULL
       WHERE old.server = $1 AND old.digest IS NOT NULL AND NOT EXISTS (SELECT FROM listed WHERE listed.name = old.tool)
     ), taken AS (
       SELECT * FROM listed WHERE NOT fresh
       UNION ALL
       (SELECT * FROM listed WHERE fresh ORDER BY name
        LIMIT greatest(0, $3::bigint - (SELECT count(*) FROM holdpoint.upstream_tools WHERE server = $1)))
     ), written AS (
       INSERT INTO holdpoint.upstream_tools AS old (server, tool, first_digest, first_parts, digest, parts, definition)
       SELECT $1, name, digest, parts, digest, parts, definition FROM taken
       ON CONFLICT (server, tool) DO UPDATE SET
         digest = excluded.digest, parts = excluded.parts, definition = excluded.definition,
         previous = CASE WHEN old.digest <> excluded.digest
           THEN json_build_object('digest', old.digest, 'parts', old.parts::json)::text ELSE old.previous END
       WHERE old.digest IS DISTINCT FROM excluded.digest OR old.definition IS DISTINCT FROM excluded.definition
     )
     SELECT ((SELECT count(*) FROM listed) - (SELECT count(*) FROM taken))::int AS left_out`,
    [server, JSON.stringify(rows), MOST_NAMES],
  );
  return result?.left_out ?? 0;
}

type Row = Omit<UpstreamTool, 'firstParts' | 'parts' | 'previous' | 'definition'> & {
  readonly firstParts: string;
  readonly parts: string;
  readonly previous: string | null;
  readonly definition: string | null;
};

async function readUpstreamTools(query: Query): Promise<readonly UpstreamTool[]> {
  const rows = await query<Row>(
    `SELECT server, tool, first_digest AS first, first_parts AS "firstParts", digest, parts, previous, definition
     FROM holdpoint.upstream_tools ORDER BY server, tool`,
  );
  return rows.map((row) => ({
    ...row,
    firstParts: JSON.parse(row.firstParts) as ToolParts,
    parts: JSON.parse(row.parts) as ToolParts,
    previous: row.previous === null ? null : (JSON.parse(row.previous) as UpstreamTool['previous']),
    definition: row.definition === null ? null : (JSON.parse(row.definition) as UpstreamDefinition),
  }));
}
