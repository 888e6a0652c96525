import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConnectorConfig } from '../../src/contract/config.ts';
import type { Json, JsonObject } from '../../src/contract/json.ts';
import type { ToolDefinition } from '../../src/contract/policy.ts';
import { createConnector } from '../../src/connectors/index.ts';
import { valueAt } from '../../src/domain/json/pointer.ts';
import { createSchemaCompiler } from '../../src/domain/policy/argument-schema.ts';
import { renderTarget } from '../../src/domain/render/index.ts';
import { CATALOGS } from '../support/catalogs.ts';
import { startStripeMock, type StripeMock } from '../support/stripe-mock.ts';

const tools = CATALOGS.get('stripe')?.tools ?? [];
const compile = createSchemaCompiler();

let mock: StripeMock;
beforeAll(async () => {
  mock = await startStripeMock();
});
afterAll(() => mock?.stop());

async function call(tool: ToolDefinition, args: JsonObject) {
  const config: ConnectorConfig = { baseUrl: mock.baseUrl, credential: 'env:KEY', allowPrivateAddresses: true };
  const connector = createConnector('stripe', config, () => 'sk_test_123');
  const rendered = renderTarget(tool, 'stripe', config, args);
  if (!rendered.ok) throw new Error(JSON.stringify(rendered.errors));
  const input = { tool, arguments: args, target: rendered.target };
  return {
    result: await connector.execute({ ...input, evidence: null, idempotencyKey: 'key-1', sendBy: Date.now() + 10_000 }),
    preview: await connector.preview!({ ...input, signal: AbortSignal.timeout(10_000) }),
  };
}

/** Values for the shapes of ids and formats that the catalog uses. */
const SAMPLES = 'ch_1 re_1 po_1 tr_1 pi_1 cus_1 sub_1 in_1 acct_1 dp_1 we_1 usd US https://example.com/hook text'.split(
  ' ',
);

interface Schema {
  readonly type?: string;
  readonly enum?: readonly Json[];
  readonly pattern?: string;
  readonly format?: string;
  readonly minimum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly { readonly required: readonly string[] }[];
}

function sampleOf(schema: Schema): Json {
  if (schema.enum !== undefined) return schema.enum[0] ?? null;
  if (schema.anyOf !== undefined) return sampleOf(schema.anyOf.at(-1) ?? {});
  switch (schema.type) {
    case 'integer':
      return Math.max(schema.minimum ?? 0, 1);
    case 'boolean':
      return true;
    case 'array':
      return [sampleOf(schema.items ?? {})];
    case 'object':
      return schema.properties === undefined ? { order: 'o-1' } : objectOf(schema, Object.keys(schema.properties));
    default:
      return stringOf(schema);
  }
}

function stringOf({ pattern = '', format }: Schema): string {
  if (format === 'uri') return 'https://example.com/hook';
  if (format === 'email') return 'someone@example.com';
  const found = SAMPLES.find(
    (sample) => new RegExp(pattern, 'u').test(sample) && (pattern !== '' || sample === 'text'),
  );
  if (found === undefined) throw new Error(`no sample for ${pattern}`);
  return found;
}

/** Where Stripe takes only values that the schema does not list. */
const EXAMPLES: JsonObject = { enabled_events: ['charge.refunded'] };

function objectOf(schema: Schema, names: readonly string[]): JsonObject {
  return Object.fromEntries(names.map((name) => [name, EXAMPLES[name] ?? sampleOf(schema.properties?.[name] ?? {})]));
}

/** Least and most arguments; alternatives (`oneOf`) one after the other. */
function argumentSets(tool: ToolDefinition): readonly (readonly [string, JsonObject])[] {
  const schema = tool.arguments as Schema;
  const all = Object.keys(schema.properties ?? {});
  const choices = schema.oneOf ?? [{ required: [] }];
  const alternatives = new Set(choices.flatMap(({ required }) => required));
  return choices.flatMap(({ required }, index) => {
    const least = [...(schema.required ?? []), ...required];
    const most = all.filter((name) => !alternatives.has(name) || required.includes(name));
    return [
      [`least ${index}`, objectOf(schema, least)],
      [`most ${index}`, objectOf(schema, most)],
    ] as const;
  });
}

const cases = tools.flatMap((tool) => argumentSets(tool).map(([name, args]) => [tool.name, name, tool, args] as const));

describe('Stripe catalog against stripe-mock', () => {
  it.each(cases)('%s with %s arguments is taken', async (_, __, tool, args) => {
    const schema = compile(tool.arguments, []);
    if (!schema.ok) throw new Error('the schema does not compile');
    expect(schema.validate(args, { sealed: false })).toEqual([]);
    const { result, preview } = await call(tool, args);
    expect(result).toMatchObject({ status: 'executed', upstreamStatus: 200 });
    expect(JSON.stringify(result)).not.toContain('client_secret');
    if (tool.preview === undefined) return;
    expect(preview).toMatchObject({ ok: true });
    if (preview.ok && tool.name !== 'stripe.payouts.create' && tool.name !== 'stripe.transfers.create') {
      expect(preview.sourceHash).toMatch(/^sha256:/);
    }
    // A field that Stripe's fixtures leave empty is there all the same.
    const empty = preview.ok ? preview.facts.filter(({ value }) => value === null).map(({ name }) => name) : [];
    for (const name of empty) expect([name, await isAnswered(tool, name, args)]).toEqual([name, true]);
  });

  it.each<[string, JsonObject]>([
    ['stripe.customers.update', { customer: 'cus_1', name: '', address: '', metadata: '' }],
    ['stripe.customers.update', { customer: 'cus_1', metadata: { order: '' } }],
    ['stripe.subscriptions.update', { subscription_exposed_id: 'sub_1', metadata: '' }],
  ])('R1: what %s clears by %j is taken', async (name, args) => {
    const tool = tools.find((one) => one.name === name)!;
    const schema = compile(tool.arguments, []);
    expect(schema.ok && schema.validate(args, { sealed: false })).toEqual([]);
    expect((await call(tool, args)).result).toMatchObject({ status: 'executed', upstreamStatus: 200 });
  });

  it('the mock refuses what Stripe does not know: the check can fail', async () => {
    const tool = tools.find(({ name }) => name === 'stripe.refunds.create')!;
    const { result } = await call(tool, { charge: 'ch_1', amonut: 5 });
    expect(result).toMatchObject({ status: 'failed', code: 'upstream_rejected', upstreamStatus: 400 });
  });
});

/** Whether the answer that a fact is taken from has its field. */
async function isAnswered(tool: ToolDefinition, name: string, args: JsonObject): Promise<boolean> {
  const requests = tool.preview !== undefined && 'requests' in tool.preview ? tool.preview.requests : [];
  const request = requests.find(({ facts }) => facts.some((fact) => fact.name === name))!;
  const path = request.path.replaceAll(/\{(\w+)\}/g, (_, key: string) => (args[key] as string | undefined) ?? '');
  const response = await fetch(`${mock.baseUrl}${path}`, { headers: { authorization: 'Bearer sk_test_123' } });
  const pointer = request.facts.find((fact) => fact.name === name)!.pointer;
  return valueAt((await response.json()) as Json, pointer) !== undefined;
}
