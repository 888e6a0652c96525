import type { ConfigFile } from '../contract/config.ts';
import { toolNameSchema } from '../contract/call.ts';
import { NOTICE_EVENTS } from '../contract/delivery.ts';
import { kindOfConnector } from '../domain/render/index.ts';
import { matchesPattern } from '../domain/policy/settings.ts';
import type { ParsedFile } from '../domain/files/parse-file.ts';
import type { FileProblem } from '../domain/files/problem.ts';
import type { Path } from '../domain/files/yaml-source.ts';
import { voterOf } from '../domain/eligibility.ts';
import { placeOfHost } from '../domain/addresses.ts';
import { findUnusedKeys } from './find-unused-keys.ts';
import { findNearest } from '../domain/files/nearest.ts';

interface Checked {
  readonly problems: readonly FileProblem[];
  readonly warnings: readonly FileProblem[];
}

/** What a configuration file's shape does not tell: patterns, URLs, connectors and people that could not work as written. */
export function checkConfig(file: ParsedFile<ConfigFile>): Checked {
  const people = checkPeople(file);
  const operators = checkOperators(file);
  const addresses = checkAddresses(file);
  return {
    problems: [
      ...people.problems,
      ...operators.problems,
      ...checkPatterns(file),
      ...checkUrls(file),
      ...checkConnectors(file),
      ...addresses.problems,
    ],
    warnings: [...people.warnings, ...operators.warnings, ...addresses.warnings],
  };
}

function checkPatterns({ value, source }: ParsedFile<ConfigFile>): readonly FileProblem[] {
  const entries: (readonly [string, Path])[] = [
    ...(value.freeze ?? []).map((pattern, index) => [pattern, ['freeze', index]] as const),
    ...(value.agents ?? []).flatMap(({ tools }, agent) =>
      (tools ?? []).map((pattern, index) => [pattern, ['agents', agent, 'tools', index]] as const),
    ),
  ];
  return entries
    .filter(([pattern]) => !isPattern(pattern))
    .map(([pattern, path]) =>
      source.problem(
        path,
        `"${pattern}" is not a tool pattern`,
        'Write a tool (an upstream’s as mcp.<server>.<tool>), a prefix followed by *, or "*"',
      ),
    );
}

/** A prefix of a tool's name followed by `*`, or a whole name. */
function isPattern(pattern: string): boolean {
  return pattern.endsWith('*')
    ? /^[A-Za-z0-9_.-]*$/.test(pattern.slice(0, -1))
    : toolNameSchema.safeParse(pattern).success;
}

function checkUrls({ value, source }: ParsedFile<ConfigFile>): readonly FileProblem[] {
  const problems: FileProblem[] = [];
  const require = (text: string, path: Path, what: string, rules: UrlRules): void => {
    const refusal = refuseUrl(text, rules);
    if (refusal !== undefined) problems.push(source.problem(path, `${what} ${refusal.message}`, refusal.fix));
  };
  // A prefix without a slash at its end would let https://host.example and https://host.example.evil.test in alike.
  (value.callbacks ?? []).forEach((url, index) =>
    require(url, ['callbacks', index], 'a callback prefix', { slash: true }),
  );
  if (value.publicUrl !== undefined) require(value.publicUrl, ['publicUrl'], 'publicUrl', { path: false });
  if (value.oidc !== undefined) require(value.oidc.issuer, ['oidc', 'issuer'], 'the issuer', {});
  problems.push(...checkWebhooks({ value, source }), ...checkSlack({ value, source }));
  return problems;
}

const WEBHOOK_EVENTS = NOTICE_EVENTS.filter((event) => event !== 'review.final');

function checkWebhooks({ value, source }: ParsedFile<ConfigFile>): readonly FileProblem[] {
  const webhooks = value.notifications?.webhooks ?? [];
  return webhooks.flatMap(({ url, events }, index) => {
    const path = ['notifications', 'webhooks', index];
    const problems = events.flatMap((pattern, at) => {
      if (WEBHOOK_EVENTS.some((event) => matchesPattern(pattern, event))) return [];
      const fix = 'Write an event such as review.pending, a prefix followed by *, or "*"';
      return [source.problem([...path, 'events', at], `"${pattern}" matches no event`, fix)];
    });
    if (!/^https?:\/\//.test(url)) {
      problems.push(
        source.problem([...path, 'url'], 'a webhook must be an http or https URL', 'Write it as https://…'),
      );
    }
    if (webhooks.findIndex((other) => other.url === url) < index) {
      const fix = 'Merge the two, with the events of both';
      problems.push(source.problem([...path, 'url'], 'duplicate webhook', fix));
    }
    return problems;
  });
}

/** There must be one way to post: a webhook, or a token together with the channel that it posts to. */
function checkSlack({ value, source }: ParsedFile<ConfigFile>): readonly FileProblem[] {
  const slack = value.notifications?.slack;
  if (slack === undefined) return [];
  const path = ['notifications', 'slack'];
  const { webhook, token, channel } = slack;
  if (token !== undefined && channel === undefined) {
    const fix = 'Add channel: <id of the channel>, or delete token';
    return [source.problem([...path, 'token'], 'a token needs a channel to post to', fix)];
  }
  if (channel !== undefined && token === undefined) {
    const fix = 'Add token: env:SLACK_BOT_TOKEN, or delete channel: a webhook has its own';
    return [source.problem([...path, 'channel'], 'a channel needs a token', fix)];
  }
  if (webhook !== undefined || token !== undefined) return [];
  const fix = 'Add webhook: env:SLACK_WEBHOOK_URL, or token: env:SLACK_BOT_TOKEN and channel';
  return [source.problem(path, 'Slack needs a webhook or a token', fix)];
}

interface UrlRules {
  /** It must end with one. */
  readonly slash?: boolean;
  /** `false`: the page and its api are served from the root of a host. */
  readonly path?: false;
}

function refuseUrl(
  text: string,
  { slash, path }: UrlRules,
): { readonly message: string; readonly fix: string } | undefined {
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    return { message: 'must be an http or https URL', fix: 'Write it as https://…' };
  }
  if (url.username !== '' || url.password !== '') {
    return { message: 'must not contain a user name or a password', fix: 'Delete everything before the @' };
  }
  if (url.search !== '' || url.hash !== '') {
    return { message: 'must not have a query or a fragment', fix: 'Delete everything from ? or # on' };
  }
  if (slash === true && !text.endsWith('/')) return { message: 'must end with /', fix: `Write ${text}/` };
  if (path === false && url.pathname !== '/') {
    const message = `cannot have the path ${url.pathname}: the page only works at the root of a host`;
    return { message, fix: `Give Holdpoint a host name of its own, and write ${url.origin} or that name` };
  }
  return undefined;
}

/** Addresses that are refused at every call: private ones, without leave to go there. */
function checkAddresses({ value, source }: ParsedFile<ConfigFile>): Checked {
  const problems: FileProblem[] = [];
  const warnings: FileProblem[] = [];
  const check = (url: string, isAllowed: boolean, at: Path, field: string): void => {
    const place = isAllowed ? 'unknown' : placeOfHost(url);
    if (place === 'unknown') return;
    const { host } = new URL(url);
    const fix = `Add allowPrivateAddresses: true to ${at.join('.')}, which allows this host and port alone, or correct ${field}`;
    const tell = (message: string): FileProblem => source.problem([...at, field], message, fix);
    if (place === 'private') problems.push(tell(`${host} is a private address, and every request to it is refused`));
    else warnings.push(tell(`${host} is probably on a private network, where every request is refused`));
  };
  for (const [name, config] of Object.entries(value.connectors ?? {})) {
    const at = ['connectors', name];
    const isAllowed = 'allowPrivateAddresses' in config && config.allowPrivateAddresses === true;
    if ('baseUrl' in config) check(config.baseUrl, isAllowed, at, 'baseUrl');
    else if (config.type === 'mcp' && config.url !== undefined) check(config.url, isAllowed, at, 'url');
  }
  // A webhook may go to a private address that its URL names, unless it says otherwise.
  for (const [index, { url, allowPrivateAddresses }] of (value.notifications?.webhooks ?? []).entries()) {
    check(url, allowPrivateAddresses !== false, ['notifications', 'webhooks', index], 'url');
  }
  return { problems, warnings };
}

function checkConnectors({ value, source }: ParsedFile<ConfigFile>): readonly FileProblem[] {
  return Object.entries(value.connectors ?? {}).flatMap(([name, config]) => {
    const path = ['connectors', name];
    const kinded = kindOfConnector(config);
    const unused = findUnusedKeys(kinded).map(({ key, why }) =>
      source.problem([...path, key], `${key} has no effect ${why}`, `Delete ${key}`, 'key'),
    );
    if (unused.length > 0) return unused;
    switch (kinded.kind) {
      case 'http': {
        const refusal = refuseUrl(kinded.config.baseUrl, {});
        const at = [...path, 'baseUrl'];
        return refusal === undefined ? [] : [source.problem(at, `baseUrl ${refusal.message}`, refusal.fix)];
      }
      case 'postgres':
        return (['url', 'selectUrl'] as const).flatMap((field) => {
          const url = kinded.config[field];
          if (url === undefined || /^(env:[A-Za-z_]\w*$|file:.|postgres(ql)?:\/\/|pglite:.)/.test(url)) return [];
          const message = `${field} must be a reference or a PostgreSQL URL`;
          return [source.problem([...path, field], message, 'Write env:TARGET_DATABASE_URL, and set that variable')];
        });
      case 'mcp': {
        const { command, url } = kinded.config;
        if ((command === undefined) !== (url === undefined)) return [];
        const message = `${name} needs either a command that starts it or a url to reach it`;
        return [source.problem(path, message, command === undefined ? 'Add command or url' : 'Delete one of the two')];
      }
    }
  });
}

/** The hash of the examples: no key has it, so any number of people may share it and none can sign in with it. */
const PLACEHOLDER = '0'.repeat(64);

/** Who may propose and decide: each of them one principal, found by one credential, answerable to a known person. */
function checkPeople(file: ParsedFile<ConfigFile>): Checked {
  const { value, source } = file;
  const agents = value.agents ?? [];
  const reviewers = value.reviewers ?? [];
  const problems: FileProblem[] = [
    ...findDuplicates(file, [
      ...agents.map(({ id }, index) => ({ value: id, path: ['agents', index, 'id'] })),
      ...reviewers.map(({ id }, index) => ({ value: id, path: ['reviewers', index, 'id'] })),
    ]),
    ...findDuplicates(
      file,
      agents.map(({ keySha256 }, index) => ({ value: keySha256, path: ['agents', index, 'keySha256'] })),
    ),
    ...findDuplicates(
      file,
      agents.map(({ publicKey }, index) => ({ value: publicKey, path: ['agents', index, 'publicKey'] })),
    ),
    // One person under two names could vote twice. Mail reaches one mailbox in any case, and a Slack user is one person
    // with or without the team; an identity provider's subjects differ where a letter does.
    ...(['tokenSha256', 'email', 'slack', 'subject'] as const).flatMap((field) =>
      findDuplicates(
        file,
        reviewers.map((reviewer, index) => ({ value: reviewer[field], path: ['reviewers', index, field] })),
        field === 'email'
          ? (email) => email.toLowerCase()
          : field === 'slack'
            ? (id) => id.slice(id.indexOf('/') + 1)
            : undefined,
      ),
    ),
  ];
  const warnings: FileProblem[] = [];
  const names = new Set(reviewers.map(({ id }) => id));
  for (const [index, agent] of agents.entries()) {
    const path = ['agents', index];
    if (agent.keySha256 === undefined && agent.publicKey === undefined) {
      const fix = `Add keySha256 (\`holdpoint keys create agent\` prints one) or publicKey`;
      problems.push(source.problem(path, `the agent ${agent.id} has no credential`, fix));
    }
    if (agent.owner !== undefined && !names.has(agent.owner)) {
      const nearest = findNearest(agent.owner, names);
      const fix =
        nearest === undefined
          ? `Add a reviewer with the id ${agent.owner}, or name another owner`
          : `Did you mean "${nearest}"?`;
      problems.push(source.problem([...path, 'owner'], `the owner ${agent.owner} is not a reviewer`, fix));
    }
    if (agent.keySha256 === PLACEHOLDER) warnings.push(placeholder(file, [...path, 'keySha256'], 'agent'));
  }
  for (const [index, reviewer] of reviewers.entries()) {
    const path = ['reviewers', index];
    const { tokenSha256, email, slack, subject } = reviewer;
    if (tokenSha256 === PLACEHOLDER) warnings.push(placeholder(file, [...path, 'tokenSha256'], 'reviewer'));
    if ([tokenSha256, email, slack, subject].every((way) => way === undefined)) {
      const fix = `Add tokenSha256 (\`holdpoint keys create reviewer\` prints one), email, slack or subject`;
      warnings.push(source.problem(path, `${reviewer.id} has no way to sign in`, fix));
    }
    if (subject === undefined) continue;
    if (!/^https?:\/\/[^#]+#.+$/.test(subject)) {
      const message = `the subject ${subject} is not an issuer and a subject`;
      problems.push(source.problem([...path, 'subject'], message, 'Write it as https://login.example.com#<sub>'));
    } else if (value.oidc === undefined) {
      const message = 'a subject needs an identity provider';
      warnings.push(source.problem([...path, 'subject'], message, 'Add the oidc block'));
    }
  }
  return { problems, warnings };
}

/** Each operator is one known person or group, and there are enough of them to lift what one has frozen. */
function checkOperators({ value, source }: ParsedFile<ConfigFile>): Checked {
  const people = new Set((value.reviewers ?? []).filter(({ role }) => role !== 'auditor').map(({ id }) => id));
  const groups = votersByGroup(value);
  const problems = (value.operators ?? []).flatMap((name, index) => {
    const isPerson = people.has(name);
    if (isPerson !== groups.has(name)) return [];
    const path = ['operators', index];
    if (isPerson) {
      const message = `"${name}" is both a reviewer and a group`;
      return [source.problem(path, message, 'Rename one of the two: it must be clear who is an operator')];
    }
    const nearest = findNearest(name, [...people, ...groups.keys()]);
    const fix = nearest === undefined ? 'Write the id of a reviewer, or a group' : `Did you mean "${nearest}"?`;
    return [source.problem(path, `the operator "${name}" is neither a reviewer who decides nor a group`, fix)];
  });
  if (value.liftBySecondPerson !== true || problems.length > 0) return { problems, warnings: [] };
  const path = ['liftBySecondPerson'];
  if (value.operators === undefined) {
    const fix = 'Add operators: [<reviewer or group>], or delete liftBySecondPerson';
    return {
      problems: [source.problem(path, 'liftBySecondPerson has no effect without operators', fix)],
      warnings: [],
    };
  }
  const operators = new Set(value.operators.flatMap((name) => [...(groups.get(name) ?? [name])]));
  const alone = 'there is only one operator, so a freeze could not be lifted';
  return { problems, warnings: operators.size > 1 ? [] : [source.problem(path, alone, 'Add another operator')] };
}

/** Reviewers who may vote, by group: auditors decide nothing. */
export function votersByGroup(config: ConfigFile): ReadonlyMap<string, ReadonlySet<string>> {
  const groups = new Map<string, Set<string>>();
  for (const reviewer of config.reviewers ?? []) {
    for (const group of voterOf(reviewer).groups) {
      groups.set(group, (groups.get(group) ?? new Set()).add(reviewer.id));
    }
  }
  return groups;
}

function findDuplicates(
  { source }: ParsedFile<ConfigFile>,
  entries: readonly { readonly value: string | undefined; readonly path: Path }[],
  keyOf: (value: string) => string = (value) => value,
): readonly FileProblem[] {
  const byKey = new Map<string, { readonly value: string; readonly path: Path }[]>();
  for (const { value, path } of entries) {
    if (value === undefined || value === PLACEHOLDER) continue;
    const key = keyOf(value);
    const same = byKey.get(key);
    if (same === undefined) byKey.set(key, [{ value, path }]);
    else same.push({ value, path });
  }
  return [...byKey.values()]
    .filter((same) => same.length > 1)
    .flatMap((same) => {
      const located = same.map(({ value, path }) => ({ value, path, line: source.locate(path).line }));
      const [first, ...others] = located.toSorted((a, b) => a.line - b.line);
      return others.map(({ value, path }) => {
        const field = String(path.at(-1));
        const shown = field.endsWith('Sha256') ? field : `${field} ${value}`;
        const message = `the ${shown} duplicates line ${first?.line ?? 0}`;
        return source.problem(path, message, 'Give each agent and each reviewer its own');
      });
    });
}

function placeholder({ source }: ParsedFile<ConfigFile>, path: Path, role: 'agent' | 'reviewer'): FileProblem {
  const fix = `Run \`holdpoint keys create ${role}\` and write its hash here`;
  return source.problem(path, 'this is a placeholder that matches no key', fix);
}
