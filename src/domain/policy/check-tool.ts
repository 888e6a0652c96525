import type { ConnectorConfig } from '../../contract/config.ts';
import { pointerSchema, type HttpRequestTemplate, type ToolDefinition } from '../../contract/policy.ts';
import { capitalize } from '../lifecycle.ts';
import { listWords, suggest } from '../files/nearest.ts';
import type { FileProblem } from '../files/problem.ts';
import type { Path } from '../files/yaml-source.ts';
import { kindOfConnector, templateArguments, type KindedConnector } from '../render/index.ts';
import { isStaticHeader, parseTemplate } from '../render/http.ts';
import { overlaps } from './cel-reads.ts';
import { checkMoney } from './check-money.ts';
import type { CompiledApproval, CompiledRule } from './conditions.ts';
import { splitTemplate } from '../text/write-value.ts';
import { judgeRead, propertiesOf } from './schema-reads.ts';
import { parsePointer, own } from '../json/pointer.ts';
import type { MergedTool } from './merge-tools.ts';
import { refuseSealPointer } from './schema.ts';
import { compileBodyCondition, isSuccessStatus, readSuccess } from './success.ts';
import { serviceOf } from './upstreams.ts';

type Connectors = Readonly<Record<string, ConnectorConfig>>;

type Conditions = readonly (CompiledRule | CompiledApproval)[];
/** A problem at a place in the tool's own entry. */
type Tell = (at: Path, message: string, fix: string, part?: 'key' | 'value') => FileProblem;

const GATE_FIX = 'Delete the gate: irreversible is always hard';

/** What is wrong with one tool: its gate, its connector, its request, what it seals, what it calls money. */
export function checkTool(tool: MergedTool, connectors: Connectors, conditions: Conditions): readonly FileProblem[] {
  const { source, path } = tool;
  const tell: Tell = (at, ...problem) => source.problem([...path, ...at], ...problem);
  return [
    ...checkGate(tool, tell),
    ...checkConnector(tool, connectors, tell),
    ...checkShape(tool, tell),
    ...checkAnswers(tool, tell),
    ...checkSeals(tool, conditions, tell),
    ...checkMoney(tool, tell),
  ];
}

function checkGate({ definition }: MergedTool, tell: Tell): readonly FileProblem[] {
  const { class: callClass, gate } = definition;
  if (callClass !== 'irreversible' || gate === undefined || gate === 'hard') return [];
  return [tell(['gate'], `an irreversible tool cannot have the gate ${gate}`, GATE_FIX)];
}

function checkConnector({ definition, origin }: MergedTool, connectors: Connectors, tell: Tell): FileProblem[] {
  const { connector: name } = definition;
  const config = own(connectors, name);
  if (config === undefined) {
    // A built-in catalog may be included without its connector; its tools are then `connector_missing`.
    if (origin === 'builtin') return [];
    const fix = suggest(name, Object.keys(connectors), 'Add it under connectors in the configuration file');
    return [tell(['connector'], `unknown connector ${name}`, fix)];
  }
  const kinded = kindOfConnector(config);
  const { kind } = kinded;
  const wanted = { http: 'request', postgres: 'sql', mcp: 'mcpTool' } as const;
  const problems = Object.values(wanted)
    .filter((field) => field !== wanted[kind] && definition[field] !== undefined)
    .map((field) => {
      const message = `${field} does not apply to the connector ${name}, which is ${kind}`;
      return tell([field], message, `Delete ${field}, or use another connector`, 'key');
    });
  const named = kind === 'mcp' && /^mcp\.[^.]+\../.test(definition.name);
  if (definition[wanted[kind]] === undefined && !named) {
    const message = `${definition.name} lacks ${wanted[kind]}`;
    problems.push(tell([], message, `Add ${wanted[kind]}: the connector ${name} is ${kind}`));
  }
  problems.push(...checkUse(definition, name, kinded, tell));
  return problems;
}

/** Keys that only some connectors use; elsewhere they would have no effect. */
function checkUse(
  { preview, idempotency, deferOn, moved }: ToolDefinition,
  name: string,
  { kind, config }: KindedConnector,
  tell: Tell,
): readonly FileProblem[] {
  const speaksHttp = kind === 'http' || (kind === 'mcp' && config.url !== undefined);
  const unused = [
    ...(idempotency !== undefined && kind !== 'http' ? ['idempotency'] : []),
    ...(deferOn !== undefined && !speaksHttp ? ['deferOn'] : []),
    ...(moved !== undefined && kind !== 'http' ? ['moved'] : []),
    ...(preview !== undefined && 'requests' in preview && kind !== 'http' ? ['preview'] : []),
  ];
  return unused.map((field) => {
    const message = `${field} has no effect with the connector ${name}, which is ${kind}`;
    return tell([field], message, `Delete ${field}, or use another connector`, 'key');
  });
}

/** What the tool makes of answers: a condition that cannot be read, and a status that would mean two things. */
function checkAnswers({ definition, source, path }: MergedTool, tell: Tell): readonly FileProblem[] {
  const { request, deferOn = [] } = definition;
  const { condition } = readSuccess(request?.success);
  const problems = deferOn.flatMap((proof, index) => {
    const status = typeof proof === 'number' ? proof : proof.status;
    if (request === undefined || !isSuccessStatus(request.success, status)) return [];
    return [tell(['deferOn', index], `${status} means success in request.success`, 'Name it in one of the two')];
  });
  const compiled = condition === null ? null : compileBodyCondition(condition);
  if (compiled === null || compiled.ok) return problems;
  const at = Array.isArray(request?.success) ? [request.success.indexOf(condition ?? '')] : [];
  const place = [...path, 'request', 'success', ...at];
  return [
    ...problems,
    ...compiled.problems.map(({ offset, message, fix }) => ({
      file: source.file,
      ...source.locateInside(place, offset),
      message,
      fix,
    })),
  ];
}

function checkShape({ definition }: MergedTool, tell: Tell): FileProblem[] {
  const { request, preview, sql, allow, redact, idempotency } = definition;
  const previews = preview !== undefined && 'requests' in preview ? preview.requests : [];
  const templates: (readonly [string, Path])[] = [
    ...(request === undefined ? [] : [[request.path, ['request', 'path']] as const]),
    ...previews.map(({ path }, index) => [path, ['preview', 'requests', index, 'path']] as const),
  ];
  const problems = templates
    .filter(([template]) => parseTemplate(template) === undefined)
    .map(([text, at]) => tell(at, `the path ${text} is not well-formed`, 'Write arguments as {name}, without #'));
  const headers: (readonly [string, string, Path])[] = [
    ...Object.entries(request?.headers ?? {}).map(
      ([name, text]) => [name, text, ['request', 'headers', name]] as const,
    ),
    ...(idempotency === undefined ? [] : [[idempotency.header, '', ['idempotency', 'header']] as const]),
  ];
  for (const [name, text, at] of headers) {
    if (isStaticHeader(name, text)) continue;
    const fix = 'Name a header that does not belong to the connection; its value is printable ASCII';
    problems.push(tell(at, `the header ${JSON.stringify(name)} cannot be sent`, fix));
  }
  if (allow !== undefined && sql === undefined) {
    problems.push(tell(['allow'], 'allow is for tools that take SQL', 'Delete allow'));
  }
  if (preview !== undefined && 'builtin' in preview && sql === undefined) {
    problems.push(tell(['preview'], 'the sql preview is for tools that take SQL', 'Delete the preview'));
  }
  for (const [index, pointer] of (redact ?? []).entries()) {
    if (pointerSchema.safeParse(pointer).success) continue;
    problems.push(tell(['redact', index], `"${pointer}" is not a JSON Pointer`, 'Write it as /name or /list/*/name'));
  }
  return problems;
}

/** What is sealed is readable to the execute worker alone: nothing before it may depend on it. */
function checkSeals({ definition }: MergedTool, conditions: Conditions, tell: Tell): FileProblem[] {
  const used = new Set(templateArguments(definition));
  const seals = definition.seal ?? [];
  return seals.flatMap((pointer, index) => {
    const steps = parsePointer(pointer);
    const reads = ({ expression }: Conditions[number]): boolean =>
      expression.usesFor(definition.name, serviceOf(definition.name), 'arguments').some((use) => overlaps(use, steps));
    const users = [
      ...(used.has(steps[0] ?? '') ? ['its request'] : []),
      ...conditions.filter(reads).map(({ kind, placeOf }) => `the ${kind} at ${placeOf()}`),
    ];
    const at = ['seal', index];
    const problems = seals
      .slice(0, index)
      .filter((other) => overlaps(parsePointer(other), steps))
      .map((other) => tell(at, `${pointer} and ${other} seal the same value`, 'Keep the outer one'));
    const refusal = refuseSealPointer(definition.arguments, pointer);
    if (refusal !== undefined) {
      const fix = 'Declare it under properties of the tool’s arguments';
      problems.push(tell(at, `${pointer} cannot be sealed: ${refusal}`, fix));
    }
    if (users.length > 0) {
      const message = `${pointer} cannot be sealed: ${listWords(users).replace(' or ', ' and ')} must read it`;
      problems.push(
        tell(
          at,
          message,
          'Seal another argument, or stop using this one there (start rules for other tools with tool == "…" &&)',
        ),
      );
    }
    return problems;
  });
}

const wordsIn = (text: string): readonly string[] => text.split(' ');

/** Verbs of calls that are seldom taken back by another call: what destroys, pays, gives access, or ships. */
const DESTROYS = wordsIn('delete del remove rm destroy drop purge erase wipe truncate clear reset overwrite');
const VERBS: ReadonlySet<string> = new Set([
  ...DESTROYS,
  ...wordsIn('terminate kill shutdown uninstall revoke cancel void close disable suspend ban'),
  ...wordsIn('pay payout transfer refund reverse charge capture withdraw purchase buy debit wire remit disburse'),
  ...wordsIn('grant invite authorize authorise allow share enroll impersonate promote unlock'),
  ...wordsIn('deploy redeploy rollback rollout migrate install ship launch publish unpublish release merge push'),
  ...wordsIn('dispatch trigger execute exec send broadcast rotate'),
]);
/** Proxies answer these too, also after the target has done the call. */
const OF_PROXIES: ReadonlySet<number> = new Set([502, 503, 504]);

/** Warns of statuses that prove less than `deferOn` takes them for. */
export function warnOfProofs(tools: Iterable<MergedTool>): readonly FileProblem[] {
  return [...tools].flatMap(({ definition, source, path }) =>
    (definition.deferOn ?? []).flatMap((proof, index) => {
      const status = typeof proof === 'number' ? proof : proof.status;
      if (!OF_PROXIES.has(status)) return [];
      const message = `${status} is taken for a proof that ${definition.name} did not run, and proxies answer it after the call, too`;
      const fix = 'Delete it, unless nothing between Holdpoint and the target answers it, and the target documents it';
      return [source.problem([...path, 'deferOn', index], message, fix)];
    }),
  );
}

/** Warns of calls that people decide on without a sentence, and of titles that name what no call has. */
export function warnOfTitles(tools: Iterable<MergedTool>): readonly FileProblem[] {
  return [...tools].flatMap(({ definition, source, path }) => {
    const { name, class: callClass, title, arguments: schema } = definition;
    if (title === undefined) {
      if (callClass !== 'irreversible') return [];
      const message = `${name} is irreversible and has no title: people read its name and arguments only`;
      const fix = `Add one: title: '${titleFor(definition)}'`;
      return [source.problem([...path, 'name'], message, fix)];
    }
    const unknown = splitTemplate(title).flatMap((part) =>
      typeof part === 'string' || judgeRead(schema, [part.name], 'presence') !== 'unknown' ? [] : [`{${part.name}}`],
    );
    if (unknown.length === 0) return [];
    const known = argumentsOf(definition).map((key) => `{${key}}`);
    const message = `the title of ${name} names ${unknown.join(' and ')}, which its arguments do not have`;
    const fix = known.length === 0 ? 'It takes no arguments' : `Use ${listWords(known)}`;
    return [source.problem([...path, 'title'], message, fix)];
  });
}

/** A start for the title of a tool that has none. */
function titleFor(tool: ToolDefinition): string {
  const named = argumentsOf(tool).slice(0, 2);
  return [capitalize(wordsOf(tool.name).slice(1).join(' ')), ...named.map((key) => `{${key}}`)].join(' ');
}

function argumentsOf({ arguments: schema }: ToolDefinition): readonly string[] {
  return [...propertiesOf(schema, schema ?? {}).keys()];
}

/** A GET with one of these in its name only looks at what the verb names: `payout.get`, `deploy.status`. */
const READS: ReadonlySet<string> = new Set(wordsIn('get list read find search show describe fetch count status'));

/**
 * Warns of tools whose class is `reversible` although their name or request says otherwise. A tool that states its
 * effects was thought about, and its class follows from them.
 */
export function warnOfNames(tools: Iterable<MergedTool>): readonly FileProblem[] {
  return [...tools].flatMap(({ definition, source, path }) => {
    if (definition.class !== 'reversible' || definition.effects !== undefined) return [];
    const found = findTelling(definition);
    if (found === undefined) return [];
    const message = `${definition.name} is reversible, but ${found}`;
    const fix = 'Make it sensitive or irreversible, or declare its effects (effects: [read], or [none])';
    return [source.problem([...path, 'class'], message, fix)];
  });
}

/** What a tool's name or request says of an effect; undefined: nothing. */
export function findTelling({
  name,
  mcpTool,
  request,
}: Pick<ToolDefinition, 'name' | 'mcpTool' | 'request'>): string | undefined {
  const words = [...wordsOf(name), ...wordsOf(mcpTool ?? '')];
  const looks = request?.method === 'GET' && words.some((word) => READS.has(word));
  const verb = words.find((word) => (looks ? DESTROYS.includes(word) : VERBS.has(word)));
  if (verb !== undefined) return `its name contains ${verb}`;
  return request === undefined ? undefined : findTellingRequest(request);
}

function findTellingRequest({ method, path }: HttpRequestTemplate): string | undefined {
  if (method === 'GET') return undefined;
  if (method === 'DELETE') return 'its method is DELETE';
  const steps = (path.split('?')[0] ?? '').split('/').filter((step) => step !== '');
  if (method === 'PUT' && steps.at(-1)?.includes('{') !== true) return 'its method is PUT on a whole collection';
  const verb = steps
    .filter((step) => !step.includes('{'))
    .flatMap(wordsOf)
    .find((word) => VERBS.has(singular(word)));
  return verb === undefined ? undefined : `its path contains ${verb}`;
}

/** `bulkDelete_users` → bulk, delete, users. */
export function wordsOf(name: string): readonly string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word !== '');
}

/** Collections are written in the plural: a POST to `/payouts` makes one. */
function singular(word: string): string {
  return word.endsWith('s') ? word.slice(0, -1) : word;
}
