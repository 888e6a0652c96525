/**
 * What upstream MCP servers say of their tools. The execute worker writes it, since it alone may start them; the others
 * read it. `first_digest` never changes: that a tool is no longer what it was stays visible.
 */
export const upstreamTools = `
CREATE TABLE holdpoint.upstream_tools (
  server       text COLLATE "C" NOT NULL,
  tool         text COLLATE "C" NOT NULL,
  first_digest text NOT NULL,
  digest       text,
  definition   text,
  seen_at      timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (server, tool)
);
`;
