import { intro, log, spinner } from '@clack/prompts';
import { CATALOGS } from '../../contract/policy.ts';
import { askSome, askText, askYesNo } from '../ui/prompt.ts';
import { CliError } from '../ui/exit.ts';
import type { Io } from '../ui/io.ts';
import { DEFAULT_GROUP, deploymentOf, proposeHttp, refuseBaseUrl, refuseConnector, splitList } from './answers.ts';
import { refuseId, type Answers, type PlannedReviewer, type Proposal } from './plan.ts';
import {
  chooseOperations,
  proposeFromDescription,
  proposeFromMcp,
  readDescription,
  type Description,
} from './sources.ts';

const EXAMPLE_URL = 'https://api.example.com';

/** Asks for everything at the terminal. */
export async function interview(io: Io): Promise<Answers> {
  intro('Holdpoint in front of a service of yours');
  const agent = await askText('Which agent or service proposes calls?', { initial: 'my-agent', refuse: refuseId });
  const reviewers = await askReviewers(io, agent);
  const targets = await askSome('What may it reach through Holdpoint?', [
    { value: 'openapi', label: 'An HTTP service with an OpenAPI description' },
    { value: 'http', label: 'Another HTTP service', hint: 'you write its tools' },
    { value: 'mcp', label: 'The tools of an MCP server' },
    { value: 'postgres', label: 'A PostgreSQL database' },
    { value: 'github', label: 'GitHub' },
    { value: 'stripe', label: 'Stripe' },
  ] as const);
  const proposals: Proposal[] = [];
  for (const target of targets) {
    if (target === 'openapi') proposals.push(await askOpenApi(io));
    if (target === 'http') proposals.push(await askHttp());
    if (target === 'mcp') proposals.push(await askMcp(io));
  }
  const catalogs = CATALOGS.filter((catalog) => targets.includes(catalog));
  return { deploymentId: deploymentOf(io), agents: [agent], reviewers, catalogs, proposals };
}

async function askReviewers(io: Io, agent: string): Promise<readonly PlannedReviewer[]> {
  const reviewers: PlannedReviewer[] = [];
  const refuse = (id: string): string | undefined =>
    id === agent || reviewers.some((reviewer) => reviewer.id === id) ? 'this id is taken' : refuseId(id);
  const user = io.env['USER'] ?? '';
  do {
    const initial = reviewers.length === 0 && refuse(user) === undefined ? user : undefined;
    const id = await askText(reviewers.length === 0 ? 'Who decides? The id of a person' : 'Who else?', {
      initial,
      refuse,
    });
    const groups = await askText(`Groups of ${id}, separated by commas`, {
      initial: DEFAULT_GROUP,
      refuse: (text) =>
        splitList(text).length === 0
          ? 'name one group'
          : splitList(text)
              .map(refuseId)
              .find((one) => one !== undefined),
    });
    reviewers.push({ id, groups: splitList(groups) });
  } while (await askYesNo('Add another person?', false));
  return reviewers;
}

async function askOpenApi(io: Io): Promise<Proposal> {
  const description = await askUntil(
    () => askText('URL or file of the OpenAPI description', { placeholder: './openapi.yaml' }),
    (place) => readDescription(io, place),
  );
  const { operations, server } = description;
  const name = await askText('A short name for the service; its tools begin with it', {
    initial: description.name,
    refuse: refuseConnector,
  });
  const baseUrl = await askText('Where is it?', {
    initial: server.baseUrl,
    placeholder: EXAMPLE_URL,
    refuse: refuseBaseUrl,
  });
  const chosen = await askUntil(
    () => askOperations(operations),
    async (ids) => chooseOperations(description, ids),
  );
  return proposeFromDescription(description, name, baseUrl, chosen);
}

async function askOperations(operations: Description['operations']): Promise<readonly string[]> {
  const all = operations.map(({ id, method, path, summary }) => ({
    value: id,
    label: `${method} ${path}`,
    ...(summary === undefined ? {} : { hint: summary }),
  }));
  const chosen = await askSome(
    'Which operations may be proposed?',
    all,
    all.length > 50 ? [] : all.map(({ value }) => value),
  );
  if (chosen.length === 0) throw new CliError('usage', 'no_operation', 'Choose one operation at least.');
  return chosen;
}

async function askHttp(): Promise<Proposal> {
  const baseUrl = await askText('Where is the HTTP service?', {
    placeholder: EXAMPLE_URL,
    refuse: refuseBaseUrl,
  });
  const name = await askText('A short name for it', { initial: 'service', refuse: refuseConnector });
  return proposeHttp(name, baseUrl);
}

async function askMcp(io: Io): Promise<Proposal> {
  const name = await askText('A short name for the MCP server', { initial: 'tickets', refuse: refuseConnector });
  return askUntil(
    () => askText('Its URL, or the command that starts it', { placeholder: 'npx -y tickets-mcp' }),
    async (place) => {
      const waiting = spinner();
      waiting.start('Listing its tools');
      try {
        return await proposeFromMcp(io, name, place);
      } finally {
        waiting.stop('Asked for its tools');
      }
    },
  );
}

/** Asks again where an answer does not work; Ctrl-C ends it. */
async function askUntil<T, A>(ask: () => Promise<A>, use: (answer: A) => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await use(await ask());
    } catch (error) {
      if (!(error instanceof CliError) || error.code === 'cancelled') throw error;
      log.error([error.message, ...(error.hint === undefined ? [] : [error.hint])].join('\n'));
    }
  }
}
