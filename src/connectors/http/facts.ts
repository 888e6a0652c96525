import type { Fact } from '../../contract/call.ts';
import type { HttpConnectorConfig } from '../../contract/config.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import type { HttpPreview, ToolDefinition } from '../../contract/policy.ts';
import { isOmission } from '../../domain/json/fit.ts';
import { valueAt } from '../../domain/json/pointer.ts';
import { digestOf } from '../../domain/proof/digest.ts';
import { argumentsOfTemplate, parseTemplate, renderUrl } from '../../domain/render/http.ts';
import { missingFact, isMissing } from '../../domain/missing-facts.ts';
import type { PreviewResult } from '../../ports/connector.ts';
import { clipValue } from '../answer.ts';
import { failedToSend, type ExchangeResult } from './exchange.ts';
import type { BodyRead } from './read-body.ts';
import { findNewName } from './moved.ts';

/** Sends one GET with the connector's credential and guards. */
export type FetchFacts = (url: string) => Promise<ExchangeResult>;

type PreviewRefusal = Extract<PreviewResult, { ok: false }>;
/** `unread`: answers that held no facts. */
export type FactsResult = PreviewResult & { readonly unread: readonly ExchangeResult[] };

/**
 * Fetches a tool's facts. A request whose path names an argument that the call leaves out does not apply to it. Facts
 * marked `pinned` are hashed, so that execution can tell whether they still hold. What cannot be read is marked in its
 * place, and the rest is kept. `shown`: facts that people were shown; then only those that were pinned are looked at again.
 */
export async function fetchHttpFacts(
  tool: ToolDefinition & { readonly preview: HttpPreview },
  config: HttpConnectorConfig,
  args: JsonObject,
  fetchFacts: FetchFacts,
  shown?: readonly Fact[],
): Promise<FactsResult> {
  const facts: Fact[] = [];
  const pinned: [string, Json][] = [];
  const unread: ExchangeResult[] = [];
  const isPinned = ({ name, pinned: is }: { name: string; pinned?: boolean | undefined }): boolean =>
    is === true && shown?.some((fact) => fact.name === name && !isMissing(fact)) === true;
  let refusal: PreviewRefusal | undefined;
  for (const { path, facts: declared } of tool.preview.requests) {
    const wanted = shown === undefined ? declared : declared.filter(isPinned);
    const url = factUrl(path, config, args);
    if (url === 'not_applicable') continue;
    if (url === 'invalid') {
      return { ok: false, code: 'invalid_call', message: 'The preview cannot be rendered', unread };
    }
    if (wanted.length === 0) continue;
    const answer = await fetchFacts(url);
    const value = jsonOf(answer);
    if (value === undefined) {
      const moved = await findNewName(tool, config, url, answer, fetchFacts);
      if (moved !== undefined)
        return { ok: false, code: 'invalid_call', message: moved, pointer: '', unread: [answer] };
      const why = refusalOf(answer);
      refusal ??= why;
      unread.push(answer);
      facts.push(...wanted.map((fact) => missingFact(fact, why, sizeOf(answer))));
      continue;
    }
    for (const fact of wanted) {
      const found = valueAt(value, fact.pointer) ?? null;
      // What is cut cannot be pinned: a change below the cut would not be seen.
      if (fact.pinned === true && holdsOmission(found)) {
        const why = { code: 'too_deep', message: 'It is nested too deeply to be compared' };
        facts.push(missingFact(fact, why, {}));
        continue;
      }
      const shownValue = fact.count === true ? countOf(found, answer) : found;
      facts.push({ name: fact.name, label: fact.label, value: clipValue(shownValue) });
      if (fact.pinned === true) pinned.push([fact.name, shownValue]);
    }
  }
  if (refusal !== undefined && facts.every(isMissing)) return { ...refusal, unread };
  if (facts.length === 0) {
    return { ok: false, code: 'nothing_to_preview', message: 'No preview applies to this call', unread };
  }
  return { ok: true, facts, sourceHash: pinned.length === 0 ? null : digestOf(pinned), unread };
}

function factUrl(path: string, config: HttpConnectorConfig, args: JsonObject): string {
  const template = parseTemplate(path);
  if (template === undefined) return 'invalid';
  const missing = argumentsOfTemplate(template).some((name) => !Object.hasOwn(args, name));
  if (missing) return 'not_applicable';
  const url = renderUrl(config.baseUrl, template, args, '');
  return url.ok ? url.value : 'invalid';
}

/** How many items a list has; of a page after which there are more, at least. */
function countOf(found: Json, answer: ExchangeResult): Json {
  if (!Array.isArray(found)) return found;
  const hasNext = answer.kind === 'answer' && /\brel="?next\b/.test(answer.headers['link'] ?? '');
  return hasNext ? `${found.length} or more` : found.length;
}

function jsonOf(answer: ExchangeResult): Json | undefined {
  if (answer.kind !== 'answer' || answer.status < 200 || answer.status > 299) return undefined;
  return answer.body.kind === 'json' ? answer.body.value : undefined;
}

function holdsOmission(value: Json): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return isOmission(value) || Object.values(value).some((part: Json) => holdsOmission(part));
}

/** How large an answer was that could not be read. */
function sizeOf(answer: ExchangeResult): { readonly bytes?: number; readonly atLeastBytes?: number } {
  if (answer.kind !== 'answer' || answer.body.kind !== 'omitted') return {};
  const { bytes, atLeastBytes } = answer.body.value;
  if (typeof bytes === 'number') return { bytes };
  return typeof atLeastBytes === 'number' ? { atLeastBytes } : {};
}

function refusalOf(answer: ExchangeResult): PreviewRefusal {
  switch (answer.kind) {
    case 'answer': {
      const isUnreadable = answer.status < 300;
      return {
        ok: false,
        code: isUnreadable ? 'preview_unreadable' : 'preview_rejected',
        message: `The target answered the preview with ${answer.status}${isUnreadable ? whyUnreadable(answer.body) : ''}`,
      };
    }
    case 'not_sent': {
      const { code, message } = failedToSend(answer);
      return { ok: false, code, message };
    }
    case 'lost':
      return { ok: false, code: 'target_unreachable', message: 'The target did not answer the preview in time' };
  }
}

function whyUnreadable(body: BodyRead): string {
  if (body.kind === 'broken') return ', and the connection broke';
  if (body.kind === 'omitted' && body.value['$omitted'] === 'response_too_large')
    return ', which is more than can be read';
  return ', which is not JSON';
}
