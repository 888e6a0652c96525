import type { ListedTool, UpstreamDefinition, UpstreamTool } from '../contract/upstream.ts';
import type { Query } from './database.ts';

/** Replaces what is known of an upstream's tools by what it lists now. What a tool was at first stays. */
export async function putUpstreamTools(query: Query, server: string, tools: readonly ListedTool[]): Promise<void> {
  const rows = tools.map(({ name, digest, definition }) => ({ name, digest, definition: JSON.stringify(definition) }));
  await query(
    `WITH listed AS (
       SELECT name, digest, definition FROM jsonb_to_recordset($2::jsonb) AS t(name text, digest text, definition text)
     ), gone AS (
       UPDATE holdpoint.upstream_tools AS old SET digest = NULL, definition = NULL
       WHERE old.server = $1 AND old.digest IS NOT NULL AND NOT EXISTS (SELECT FROM listed WHERE listed.name = old.tool)
     )
     INSERT INTO holdpoint.upstream_tools AS old (server, tool, first_digest, digest, definition)
     SELECT $1, name, digest, digest, definition FROM listed
     ON CONFLICT (server, tool) DO UPDATE SET digest = excluded.digest, definition = excluded.definition
     WHERE old.digest IS DISTINCT FROM excluded.digest OR old.definition IS DISTINCT FROM excluded.definition`,
    [server, JSON.stringify(rows)],
  );
}

interface Row {
  readonly server: string;
  readonly tool: string;
  readonly first_digest: string;
  readonly digest: string | null;
  readonly definition: string | null;
}

export async function readUpstreamTools(query: Query): Promise<readonly UpstreamTool[]> {
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
