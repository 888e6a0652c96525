import { Document, isMap, isPair, isScalar, isSeq, visit, type Node, type Scalar, type YAMLMap } from 'yaml';
import { scalar } from './render-config.ts';
import type { Catalog } from '../../contract/policy.ts';
import type { Plan, ProposedTool } from './plan.ts';

/** The text of `policy.yaml`. */
export function renderPolicy({ catalogs, tools, reviewers }: Plan): string {
  const groups = [...new Set(reviewers.flatMap((reviewer) => reviewer.groups))];
  const approvers = `[${groups.map(scalar).join(', ')}]`;
  return `# What each call is, and what it takes to approve it. Reloaded on change; check it with \`holdpoint policy check\`, and see
# what a call would meet with \`holdpoint policy explain TOOL --arguments JSON\`. docs/policy.md describes every key.
version: 1

${renderCatalogs(catalogs)}
# Tools of your own.
#   title        what people read of a call; {name} is filled from its arguments
#   description  what models read of the tool
#   class        reversible: runs at once · sensitive: runs, and people are told · irreversible: waits for a decision ·
#                forbidden: never runs
#   effects      what the call can do: read, money, access, destroy, publish, code, or none. They set the lowest class
#   request      how the call is made; {name} is filled from its arguments
#   arguments    JSON Schema; a call that does not fit is blocked
# The classes below are proposals. A GET runs at once. Whatever may write is irreversible until you have looked at it: for
# a call that can be undone, write class: sensitive or reversible, and its effects.
# Titles, descriptions and schemas come from the service's own description: read them before you rely on them.
${tools.length === 0 ? NO_TOOL : `tools:\n${tools.map(renderTool).join('\n')}`}
# Rules make single calls stricter, by their arguments or context (CEL). All that match apply; the strictest wins.
rules: []
#  - when: tool == "payouts.create" && arguments.amount > 100000
#    class: irreversible
#    reason: large-payout # a code that people and agents see

# Who approves what is held. The first match applies; the last one must match everything.
approvals:
  - match: 'true'
    levels: # in order; each needs \`quorum\` yeses from the groups under \`approvers\`
      - { name: approval, approvers: ${approvers}, quorum: 1 }
    ttl: 24h # without a decision by then, the answer is no
    # remind: [2h, 30m] # before the deadline
    # separationOfDuties: true # the agent's owner and voters of earlier levels cannot vote

# Tools of MCP servers that this file does not name: irreversible or forbidden.
unknownTool: irreversible
`;
}

const ABOUT: Readonly<Record<Catalog, string>> = {
  github: 'GitHub’s API',
  stripe: 'Stripe’s API',
  postgres: 'postgres.select runs at once, postgres.execute waits',
};

function renderCatalogs(catalogs: readonly Catalog[]): string {
  const note =
    '# Built-in tools, with classes, schemas and previews: github, stripe, postgres (docs/catalog.md lists them).';
  if (catalogs.length === 0) return `${note}\ninclude: []\n`;
  return `${note}\ninclude:\n${catalogs.map((name) => `  - ${name} # ${ABOUT[name]}`).join('\n')}\n`;
}

const NO_TOOL = `tools: []
#  - name: payouts.create
#    title: 'Pay {amount} to {account}'
#    description: Pays out an amount to an account of a customer.
#    class: irreversible
#    effects: [money]
#    connector: payouts
#    request: { method: POST, path: /payouts, body: arguments }
#    arguments:
#      type: object
#      required: [account, amount]
#      additionalProperties: false
#      properties:
#        account: { type: string }
#        amount: { type: integer, minimum: 1 }
`;

const MONEY_NOTE =
  ' amounts that people read in their currency; check the scale: minor counts in the smallest unit (cents)';

/** Longest map or list that stands on one line. */
const ONE_LINE = 100;

function renderTool({ definition, note }: ProposedTool): string {
  const doc = new Document([definition]);
  visit(doc, {
    Pair(_, pair) {
      if (!isScalar(pair.key)) return;
      // Untrusted text: always in quotes, so that it reads as text.
      if (['title', 'description', 'pattern'].includes(String(pair.key.value)) && isScalar(pair.value)) {
        pair.value.type = 'QUOTE_SINGLE';
      }
    },
    Collection(_, node) {
      if (node.items.length === 0 || isFlat(node)) node.flow = true;
    },
  });
  const tool = doc.get(0) as YAMLMap;
  const callClass = tool.get('class', true) as Scalar;
  callClass.comment = ` ${note}`;
  const money = tool.items.find(({ key }) => isScalar(key) && key.value === 'money');
  if (isScalar(money?.key)) money.key.commentBefore = MONEY_NOTE;
  const text = doc.toString({ lineWidth: 0, singleQuote: true });
  return text
    .split('\n')
    .map((line) => (line === '' ? '' : `  ${line}`))
    .join('\n');
}

/** Whether a map or a list holds only values, or is so short that one line has room for all of it. */
function isFlat(node: YAMLMap | Node): boolean {
  if (JSON.stringify(node).length > ONE_LINE) return false;
  if (isSeq(node)) return node.items.every((item) => isScalar(item));
  return isMap(node) && node.items.every((pair) => isPair(pair) && (isScalar(pair.value) || isSeq(pair.value)));
}
