import type { PreviewInput, PreviewResult } from '../../ports/connector.ts';
import type { Fact } from '../../contract/call.ts';
import type { HttpConnectorConfig } from '../../contract/config.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import type { HttpPreview } from '../../contract/policy.ts';
import { digestOf } from '../../domain/proof/digest.ts';
import { argumentsOfTemplate, parseTemplate, renderUrl } from '../../domain/render/http.ts';
import { clipValue } from '../clip.ts';
import { valueAt } from '../json-text.ts';
import type { ExchangeResult } from './exchange.ts';

/** Sends one GET with the connector's credential and guards. */
export type FetchFacts = (url: string) => Promise<ExchangeResult>;

/**
 * Fetches a tool's facts. A request whose path names an argument that the call leaves out does not apply to it. Facts
 * marked `pinned` are hashed, so that execution can tell whether they still hold.
 */
export async function fetchHttpFacts(
  preview: HttpPreview,
  config: HttpConnectorConfig,
  args: PreviewInput['arguments'],
  fetchFacts: FetchFacts,
): Promise<PreviewResult> {
  const facts: Fact[] = [];
  const pinned: [string, Json][] = [];
  for (const { path, facts: wanted } of preview.requests) {
    const url = factUrl(path, config, args);
    if (url === 'not_applicable') continue;
    if (url === 'invalid') return { ok: false, code: 'invalid_call', message: 'The preview cannot be rendered' };
    const answer = await fetchFacts(url);
    const value = jsonOf(answer);
    if (value === undefined) return refusalOf(answer);
    for (const fact of wanted) {
      const found = factValue(value, fact.pointer, fact.count === true);
      facts.push({ name: fact.name, label: fact.label, value: clipValue(found) });
      if (fact.pinned === true) pinned.push([fact.name, found]);
    }
  }
  if (facts.length === 0) return { ok: false, code: 'nothing_to_preview', message: 'No preview applies to this call' };
  return { ok: true, facts, sourceHash: pinned.length === 0 ? null : digestOf(pinned) };
}

function factUrl(path: string, config: HttpConnectorConfig, args: JsonObject): string {
  const template = parseTemplate(path);
  if (template === undefined) return 'invalid';
  const missing = argumentsOfTemplate(template).some((name) => !Object.hasOwn(args, name));
  if (missing) return 'not_applicable';
  const url = renderUrl(config.baseUrl, template, args, '');
  return url.ok ? url.value : 'invalid';
}

function factValue(value: Json, pointer: string, count: boolean): Json {
  const found = valueAt(value, pointer) ?? null;
  return count && Array.isArray(found) ? found.length : found;
}

function jsonOf(answer: ExchangeResult): Json | undefined {
  if (answer.kind !== 'answer' || answer.status < 200 || answer.status > 299) return undefined;
  return answer.body.kind === 'json' ? answer.body.value : undefined;
}

function refusalOf(answer: ExchangeResult): PreviewResult {
  switch (answer.kind) {
    case 'answer':
      return {
        ok: false,
        code: answer.status < 300 ? 'preview_unreadable' : 'preview_rejected',
        message: `The target answered the preview with ${answer.status}`,
      };
    case 'not_sent':
      return { ok: false, code: 'target_unreachable', message: 'The target could not be reached for the preview' };
    case 'lost':
      return { ok: false, code: 'target_unreachable', message: 'The target did not answer the preview in time' };
  }
}
