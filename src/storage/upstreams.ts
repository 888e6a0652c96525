import type { ListedTool, UpstreamDefinition, UpstreamTool } from '../domain/upstream.ts';
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
  const rows = tools.map(({ name, digest, definition }) => ({ name, digest, definition: JSON.stringify(definition) }));
  const [result] = await query<{ left_out: number }>(
    `WITH listed AS (
       SELECT t.name, t.digest, t.definition, old.tool IS NULL AS fresh
       FROM jsonb_to_recordset($2::jsonb) AS t(name text, digest text, definition text)
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
       INSERT INTO holdpoint.upstream_tools AS old (server, tool, first_digest, digest, definition)
       SELECT $1, name, digest, digest, definition FROM taken
       ON CONFLICT (server, tool) DO UPDATE SET digest = excluded.digest, definition = excluded.definition
       WHERE old.digest IS DISTINCT FROM excluded.digest OR old.definition IS DISTINCT FROM excluded.definition
     )
     SELECT ((SELECT count(*) FROM listed) - (SELECT count(*) FROM taken))::int AS left_out`,
    [server, JSON.stringify(rows), MOST_NAMES],
  );
  return result?.left_out ?? 0;
}

interface Row {
  readonly server: string;
  readonly tool: string;
  readonly first_digest: string;
  readonly digest: string | null;
  readonly definition: string | null;
}

async function readUpstreamTools(query: Query): Promise<readonly UpstreamTool[]> {
  const rows = await query<Row>(
    'SELECT server, tool, first_digest, digest, definition FROM holdpoint.upstream_tools ORDER BY server, tool',
  );
  return rows.map(({ server, tool, first_digest: first, digest, definition }) => ({
    server,
    tool,
    first,
    digest,
    definition: definition === null ? null : (JSON.parse(definition) as UpstreamDefinition),
  }));
}
