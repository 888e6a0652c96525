import type { HttpRequestTemplate, ToolDefinition } from '../../contract/policy.ts';
import type { FileProblem } from '../files/problem.ts';
import type { MergedTool } from './merge-tools.ts';

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
    const fix = 'Make it sensitive or irreversible, or state its effects (effects: [read], or [none])';
    return [source.problem([...path, 'class'], message, fix)];
  });
}

function findTelling({ name, mcpTool, request }: ToolDefinition): string | undefined {
  const words = [...wordsOf(name), ...wordsOf(mcpTool ?? '')];
  const looks = request?.method === 'GET' && words.some((word) => READS.has(word));
  const verb = words.find((word) => (looks ? DESTROYS.includes(word) : VERBS.has(word)));
  if (verb !== undefined) return `its name says ${verb}`;
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
  return verb === undefined ? undefined : `its path says ${verb}`;
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
