import { stringify } from 'yaml';
import type { Plan, PlannedConnector } from './plan.ts';

/** SHA-256 of each credential, by agent or reviewer. */
export type Hashes = ReadonlyMap<string, string>;

/** The text of `holdpoint.yaml`. */
export function renderConfig({ deploymentId, agents, reviewers, connectors }: Plan, hashes: Hashes): string {
  const [owner] = reviewers;
  return `# Who may propose, who may decide, and how calls reach their targets. Holdpoint reads this file at the start and again
# whenever it changes; \`holdpoint policy check\` finds mistakes before. docs/policy.md describes every key.
# A value written env:NAME or file:PATH is a reference: only the process that needs the value looks it up.

# The name of this deployment. It is part of every signature, so it never changes.
deploymentId: ${scalar(deploymentId)}

# Agents and services that propose calls. The file holds only the SHA-256 of each key;
# \`holdpoint keys create agent ID\` makes another one.
agents:
${agents.map((id) => renderAgent(id, hashes.get(id) ?? '', owner?.id)).join('\n')}
# The people who decide. Groups come only from here, and policy.yaml says which group decides what.
# \`holdpoint keys create reviewer ID --groups GROUP\` makes another one.
reviewers:
${reviewers.map(({ id, groups }) => renderReviewer(id, groups, hashes.get(id) ?? '')).join('\n')}
# What each call is, and what it takes to approve it. Relative to this file.
policy: ./policy.yaml

# How calls reach their targets. Only the execute worker looks up the credentials; agents never see them.
${connectors.length === 0 ? NO_CONNECTOR : `connectors:\n${connectors.map(renderConnector).join('\n')}`}
# Optional settings with their defaults. Delete the # to change one.
#
# executeWithin: 1h        # an approved call that has not run by then is stale, and does not run
# unattested: hold         # calls started in Temporal without a signed proposal: hold, allow or refuse
# freeze: ["*"]            # tool patterns stopped at once: new calls are blocked, approved ones wait (default: none)
# operators: [${scalar(owner?.groups[0] ?? 'ops')}]         # reviewers or groups who may freeze tools while everything runs, and start drills (default: none)
# liftBySecondPerson: false # true: a freeze is lifted by another operator than the one who ordered it
# callbacks: []            # URL prefixes to which agents may have decisions sent, each ending with /
# publicUrl: https://holdpoint.example.com # base of links in messages (default: the address of the request)
# log: { level: info }     # of all parts, changed while they run; HOLDPOINT_LOG_LEVEL sets it for one
# limits:
#   pendingPerAgent: 200
#   irreversiblePerToolPerHour: 60
#   sensitivePerToolPerHour: 600
#   requestsPerMinute: 600
# notifications:           # how people learn of a review; docs/notifications.md
#   email: { mode: per-event, from: holdpoint@example.com, smtp: env:SMTP_URL } # needs an email: for each reviewer
# oidc:                    # sign-in through an identity provider; docs/sign-in.md
#   issuer: https://login.example.com
#   clientId: holdpoint
`;
}

const NO_CONNECTOR = `# connectors:
#   payouts:
#     type: http
#     baseUrl: https://payouts.example.com
#     credential: env:PAYOUTS_TOKEN # sent as Authorization: Bearer
`;

function renderAgent(id: string, sha256: string, owner: string | undefined): string {
  return `  - id: ${scalar(id)}
    keySha256: '${sha256}'
${owner === undefined ? '' : `    owner: ${scalar(owner)} # the person answerable for it\n`}    # tools: ["payments.*"]  # what it may propose (default: every tool of the policy)
    # context: { env: production } # facts for rules, which override what the agent says
`;
}

function renderReviewer(id: string, groups: readonly string[], sha256: string): string {
  return `  - id: ${scalar(id)}
    groups: [${groups.map(scalar).join(', ')}]
    tokenSha256: '${sha256}'
    # email: ${/^[A-Za-z0-9._-]+$/.test(id) ? id : 'name'}@example.com # for messages
    # role: auditor # may read everything, decides nothing
`;
}

function renderConnector({ name, config, notes }: PlannedConnector): string {
  const lines = stringify(config, { lineWidth: 0, singleQuote: true }).trimEnd().split('\n');
  return [
    ...notes.map((note) => `  # ${note}`),
    `  ${name}:`,
    ...lines.map((line) => `    ${line}`),
    '    # timeout: 30s # for one call',
    '',
  ].join('\n');
}

/** The text of `.env.example`. `start`: the command that starts Holdpoint with the file. */
export function renderEnvironment({ connectors }: Plan, start: string): string {
  const variables = connectors.flatMap((connector) => connector.variables);
  return `# Copy this file to .env, fill it in, and keep .env out of version control. Holdpoint does not read it by itself:
#
#   ${start}
#
# Values that holdpoint.yaml refers to as env:NAME. Only the execute worker needs those of connectors.
${variables.length === 0 ? '# (none so far)\n' : variables.map(({ name, meaning }) => `\n# ${meaning}\n${name}=\n`).join('')}
# Settings, with their defaults (docs/running.md has all of them)
#
# HOLDPOINT_PORT=8080
# HOLDPOINT_DATA_DIR=.holdpoint          # keys and the embedded databases
# DATABASE_URL=postgresql://user@host:5432/holdpoint # instead of the embedded database
# TEMPORAL_ADDRESS=localhost:7233        # your own Temporal server instead of the embedded one
`;
}

/** A text as YAML on one line: an id such as `null` or `1e3` stays a text. */
export function scalar(text: string): string {
  return stringify(text, { lineWidth: 0, singleQuote: true }).trimEnd();
}
