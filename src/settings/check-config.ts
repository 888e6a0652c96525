import type { ConfigFile } from '../contract/config.ts';
import { toolNameSchema } from '../contract/call.ts';
import { NOTICE_EVENTS } from '../contract/delivery.ts';
import { kindOfConnector } from '../domain/render/index.ts';
import { matchesPattern } from '../domain/policy/settings.ts';
import type { ParsedFile } from '../domain/files/parse-file.ts';
import type { FileProblem } from '../domain/files/problem.ts';
import type { Path } from '../domain/files/yaml-source.ts';
import { placeOfHost } from '../domain/addresses.ts';
import { checkOperators, checkPeople, type Checked } from './check-people.ts';
import { findUnusedKeys } from './find-unused-keys.ts';

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
