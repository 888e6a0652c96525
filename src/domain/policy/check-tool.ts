import type { ConnectorConfig } from '../../contract/config.ts';
import { pointerSchema, type HttpRequestTemplate, type ToolDefinition } from '../../contract/policy.ts';
import { findNearest, listWords } from '../files/nearest.ts';
import type { FileProblem } from '../files/problem.ts';
import { kindOfConnector, templateArguments } from '../render/index.ts';
import { parseTemplate } from '../render/http.ts';
import { overlaps } from './cel-reads.ts';
import type { Expression } from './expression.ts';
import { parsePointer } from '../json/pointer.ts';
import type { MergedTool } from './merge-tools.ts';
import { refuseSealPointer } from './schema.ts';
import { serviceOf } from './upstreams.ts';

type Connectors = Readonly<Record<string, ConnectorConfig>>;

/** What is wrong with one tool: its gate, its connector, its request, what it seals. */
export function checkTool(
  tool: MergedTool,
  connectors: Connectors,
  conditions: readonly { readonly expression: Expression; readonly name: string }[],
): readonly FileProblem[] {
  return [
    ...checkGate(tool),
    ...checkConnector(tool, connectors),
    ...checkShape(tool),
    ...checkSeals(tool, conditions),
  ];
}

function checkGate({ definition, source, path }: MergedTool): readonly FileProblem[] {
  if (definition.class !== 'irreversible' || definition.gate === undefined || definition.gate === 'hard') return [];
  return [
    source.problem(
      [...path, 'gate'],
      `an irreversible tool cannot have the gate ${definition.gate}`,
      'Delete the gate: irreversible is always hard',
    ),
  ];
}

function checkConnector(
  { definition, origin, source, path }: MergedTool,
  connectors: Connectors,
): readonly FileProblem[] {
  const { connector: name } = definition;
  const config = Object.hasOwn(connectors, name) ? connectors[name] : undefined;
  if (config === undefined) {
    // A built-in catalog may be included without its connector; its tools are then `unknown_tool`.
    if (origin === 'builtin') return [];
    const nearest = findNearest(name, Object.keys(connectors));
    const fix =
      nearest === undefined ? `Add it under connectors in the configuration file` : `Did you mean "${nearest}"?`;
    return [source.problem([...path, 'connector'], `unknown connector ${name}`, fix)];
  }
  const { kind } = kindOfConnector(config);
  const wanted = { http: 'request', postgres: 'sql', mcp: 'mcpTool' } as const;
  const problems: FileProblem[] = [];
  for (const field of Object.values(wanted)) {
    if (field === wanted[kind] || definition[field] === undefined) continue;
    problems.push(
      source.problem(
        [...path, field],
        `${field} does not apply to the connector ${name}, which is ${kind}`,
        `Delete ${field}, or use another connector`,
        'key',
      ),
    );
  }
  const named = kind === 'mcp' && /^mcp\.[^.]+\../.test(definition.name);
  if (definition[wanted[kind]] === undefined && !named) {
    problems.push(
      source.problem(
        path,
        `${definition.name} lacks ${wanted[kind]}`,
        `Add ${wanted[kind]}: the connector ${name} is ${kind}`,
      ),
    );
  }
  return problems;
}

function checkShape({ definition, source, path }: MergedTool): readonly FileProblem[] {
  const problems: FileProblem[] = [];
  const templates: (readonly [string, readonly (string | number)[]])[] = [
    ...(definition.request === undefined ? [] : [[definition.request.path, ['request', 'path']] as const]),
    ...(definition.preview !== undefined && 'requests' in definition.preview
      ? definition.preview.requests.map(
          ({ path: text }, index) => [text, ['preview', 'requests', index, 'path']] as const,
        )
      : []),
  ];
  for (const [template, at] of templates) {
    if (parseTemplate(template) !== undefined) continue;
    problems.push(
      source.problem(
        [...path, ...at],
        `the path ${template} is not well-formed`,
        'Write arguments as {name}, without #',
      ),
    );
  }
  if (definition.preview !== undefined && 'builtin' in definition.preview && definition.sql !== 'execute') {
    problems.push(
      source.problem([...path, 'preview'], 'the sql preview is for tools with sql: execute', 'Delete the preview'),
    );
  }
  for (const [index, pointer] of (definition.redact ?? []).entries()) {
    if (pointerSchema.safeParse(pointer).success) continue;
    problems.push(
      source.problem(
        [...path, 'redact', index],
        `"${pointer}" is not a JSON Pointer`,
        'Write it as /name or /list/*/name',
      ),
    );
  }
  return problems;
}

/** What is sealed is readable to the execute worker alone: nothing before it may depend on it. */
function checkSeals(
  { definition, source, path }: MergedTool,
  conditions: readonly { readonly expression: Expression; readonly name: string }[],
): readonly FileProblem[] {
  const used = new Set(templateArguments(definition));
  return (definition.seal ?? []).flatMap((pointer, index) => {
    const steps = parsePointer(pointer);
    const users = [
      ...(used.has(steps[0] ?? '') ? ['its request'] : []),
      ...conditions
        .filter(({ expression }) =>
          expression
            .usesFor(definition.name, serviceOf(definition.name), 'arguments')
            .some((use) => overlaps(use, steps)),
        )
        .map(({ name }) => name),
    ];
    const at = [...path, 'seal', index];
    const refusal = refuseSealPointer(definition.arguments, pointer);
    const others = (definition.seal ?? []).slice(0, index).filter((other) => overlaps(parsePointer(other), steps));
    return [
      ...others.map((other) => source.problem(at, `${pointer} and ${other} seal the same value`, 'Keep the outer one')),
      ...(refusal === undefined
        ? []
        : [
            source.problem(
              at,
              `${pointer} cannot be sealed: ${refusal}`,
              'Declare it under properties of the tool’s arguments',
            ),
          ]),
      ...(users.length === 0
        ? []
        : [
            source.problem(
              at,
              `${pointer} cannot be sealed: ${listWords(users).replace(' or ', ' and ')} must read it`,
              'Seal another argument, or stop using this one there (start rules for other tools with tool == "…" &&)',
            ),
          ]),
    ];
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

function findTelling({ name, mcpTool, request }: ToolDefinition): string | undefined {
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
function wordsOf(name: string): readonly string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/);
}

/** Collections are written in the plural: a POST to `/payouts` makes one. */
function singular(word: string): string {
  return word.endsWith('s') ? word.slice(0, -1) : word;
}
