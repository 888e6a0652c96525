import { basename } from 'node:path';
import { CATALOGS, type Catalog } from '../../contract/policy.ts';
import { serviceNameSchema } from '../../contract/call.ts';
import { readTrust } from '../../storage/keys/index.ts';
import { keysDirOf } from '../commands/installation.ts';
import { CliError } from '../ui/exit.ts';
import type { Io } from '../ui/io.ts';
import { planHttpConnector } from './openapi-connector.ts';
import {
  refuseDeployment,
  refuseId,
  type Answers,
  type PlannedConnector,
  type PlannedReviewer,
  type Proposal,
} from './plan.ts';
import {
  chooseOperations,
  proposeFromDescription,
  proposeFromMcp,
  readDescription,
  type Description,
} from './sources.ts';

/** What the command line says. */
export interface InitFlags {
  readonly deployment?: string;
  readonly agent?: readonly string[];
  readonly reviewer?: readonly string[];
  readonly openapi?: readonly string[];
  readonly baseUrl?: string;
  readonly operations?: string;
  readonly mcp?: readonly string[];
  readonly http?: readonly string[];
  readonly include?: string;
}

export const DEFAULT_GROUP = 'ops';

/** Whether the command line answers anything: then nothing is asked. */
export function hasAnswers(flags: InitFlags): boolean {
  const { deployment, agent, reviewer, openapi, baseUrl, operations, mcp, http, include } = flags;
  return [deployment, agent, reviewer, openapi, baseUrl, operations, mcp, http, include].some(
    (flag) => flag !== undefined,
  );
}

/** Takes every answer from the command line. */
export async function answerByFlags(io: Io, flags: InitFlags): Promise<Answers> {
  const { agent = [], reviewer = [], openapi = [], mcp = [], http = [], include = '' } = flags;
  if (agent.length === 0 || reviewer.length === 0) {
    throw new CliError(
      'usage',
      'answers_missing',
      `init needs ${agent.length === 0 ? '--agent' : '--reviewer'}, unless it runs at a terminal without any of its options.`,
      'For example: holdpoint init --agent my-agent --reviewer alice=ops --openapi ./openapi.yaml',
    );
  }
  if (openapi.length !== 1 && (flags.baseUrl !== undefined || flags.operations !== undefined)) {
    throw new CliError('usage', 'one_openapi', '--base-url and --operations need exactly one --openapi.');
  }
  const agents = agent.map((id) => requireId('--agent', id));
  const reviewers = reviewer.map(parseReviewer);
  const catalogs = splitList(include).map(requireCatalog);
  const proposals: Proposal[] = [];
  for (const text of openapi) {
    const { name, place } = splitName('--openapi', text);
    const description = await readDescription(io, place);
    const baseUrl =
      flags.baseUrl === undefined ? requireServer(description) : requireBaseUrl('--base-url', flags.baseUrl);
    const operations = chooseOperations(description, splitList(flags.operations ?? ''));
    proposals.push(proposeFromDescription(description, name ?? description.name, baseUrl, operations));
  }
  for (const text of mcp) {
    const { name, place } = requireName('--mcp', text);
    proposals.push(await proposeFromMcp(io, name, place));
  }
  for (const text of http) {
    const { name, place } = requireName('--http', text);
    proposals.push(proposeHttp(name, requireBaseUrl('--http', place)));
  }
  return { deploymentId: deploymentOf(io, flags.deployment), agents, reviewers, catalogs, proposals };
}

export function proposeHttp(name: string, baseUrl: string): Proposal {
  return { connector: planHttpConnector(name, baseUrl, undefined, false), tools: [], leftOut: [] };
}

export function catalogConnector(name: Catalog): PlannedConnector {
  switch (name) {
    case 'github':
      return {
        name,
        config: { type: 'http', baseUrl: 'https://api.github.com', credential: 'env:GITHUB_TOKEN' },
        notes: ['A fine-grained token, or one of a GitHub app, with no more rights than the tools need.'],
        variables: [{ name: 'GITHUB_TOKEN', meaning: 'the token for GitHub' }],
      };
    case 'stripe':
      return {
        name,
        config: { type: 'http', baseUrl: 'https://api.stripe.com', credential: 'env:STRIPE_API_KEY' },
        notes: ['A restricted key with no more rights than the tools need.'],
        variables: [{ name: 'STRIPE_API_KEY', meaning: 'the secret key for Stripe' }],
      };
    case 'postgres':
      return {
        name,
        config: { type: 'postgres', url: 'env:TARGET_DATABASE_URL' },
        notes: [
          'A role that is not a superuser and owns nothing. For reads give a second one: selectUrl: env:NAME (docs/postgres.md).',
        ],
        variables: [
          {
            name: 'TARGET_DATABASE_URL',
            meaning: 'the database that agents reach: postgresql://user:password@host:5432/name',
          },
        ],
      };
    default:
      return name satisfies never;
  }
}

/** The name that the keys of this data directory were made for, if there are some: another one would not start. */
export function deploymentOf(io: Io, given?: string): string {
  const known = deploymentOfKeys(io);
  if (given !== undefined && refuseDeployment(given) !== undefined) {
    throw new CliError('usage', 'invalid_deployment', `--deployment: ${refuseDeployment(given) ?? ''}.`);
  }
  if (known !== undefined && given !== undefined && known !== given) {
    throw new CliError(
      'usage',
      'deployment_differs',
      `The keys in ${keysDirOf(io)} were made for ${known}.`,
      `Pass --deployment ${known}, or set HOLDPOINT_DATA_DIR to another directory.`,
    );
  }
  const slug = basename(io.cwd)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, 40);
  return known ?? given ?? (refuseDeployment(slug) === undefined ? slug : 'holdpoint');
}

function deploymentOfKeys(io: Io): string | undefined {
  try {
    return readTrust(keysDirOf(io)).deploymentId;
  } catch {
    return undefined;
  }
}

export function refuseConnector(name: string): string | undefined {
  if (serviceNameSchema.safeParse(name).success && name.length <= 30 && name !== 'mcp') return undefined;
  return 'a name is 1 to 30 letters, digits, _ and -, starting with a lower-case letter, and not mcp';
}

export function refuseBaseUrl(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain =
    url !== undefined && url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  return isPlain && /^https?:$/.test(url.protocol) ? undefined : 'a base URL is https://host or https://host/path';
}

function requireId(option: string, id: string): string {
  const refusal = refuseId(id);
  if (refusal !== undefined) throw new CliError('usage', 'invalid_id', `${option} ${id}: ${refusal}.`);
  return id;
}

function requireBaseUrl(option: string, url: string): string {
  const refusal = refuseBaseUrl(url);
  if (refusal !== undefined) throw new CliError('usage', 'url_invalid', `${option} ${url}: ${refusal}.`);
  return url;
}

function requireServer({ place, server: { baseUrl, needsConsent } }: Description): string {
  if (baseUrl === undefined) {
    throw new CliError(
      'usage',
      'base_url_missing',
      `${place} does not say where its service is.`,
      'Pass --base-url, for example --base-url https://api.example.com/v1',
    );
  }
  if (!needsConsent) return baseUrl;
  throw new CliError(
    'usage',
    'base_url_private',
    `${place} leads to ${baseUrl}, which is a private address.`,
    `If calls may go there, pass --base-url ${baseUrl}`,
  );
}

/** `alice=ops,finance` */
function parseReviewer(text: string): PlannedReviewer {
  const [id = '', groups = DEFAULT_GROUP] = text.split('=');
  return {
    id: requireId('--reviewer', id),
    groups: groups.split(',').map((group) => requireId('--reviewer', group.trim())),
  };
}

function requireCatalog(name: string): Catalog {
  const known = CATALOGS.find((catalog) => catalog === name);
  if (known !== undefined) return known;
  throw new CliError(
    'usage',
    'unknown_catalog',
    `There is no built-in catalog ${name}.`,
    `Use ${CATALOGS.join(', ')}.`,
  );
}

/** `payouts=./openapi.yaml`: a connector's name before a place. */
function splitName(option: string, text: string): { readonly name: string | undefined; readonly place: string } {
  const match = /^([a-z][A-Za-z0-9_-]*)=(.+)$/.exec(text);
  if (match === null) return { name: undefined, place: text };
  const [, name = '', place = ''] = match;
  const refusal = refuseConnector(name);
  if (refusal !== undefined) throw new CliError('usage', 'invalid_name', `${option} ${text}: ${refusal}.`);
  return { name, place };
}

function requireName(option: string, text: string): { readonly name: string; readonly place: string } {
  const { name, place } = splitName(option, text);
  if (name !== undefined) return { name, place };
  throw new CliError('usage', 'name_missing', `${option} ${text}: it needs a name, as in ${option} payouts=${text}.`);
}

export function splitList(text: string): readonly string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
