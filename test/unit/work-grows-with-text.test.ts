import { generateKeyPairSync } from 'node:crypto';
import { Session } from 'node:inspector/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/contract/json.ts';

/**
 * What anyone's text goes through, before and after it is known who sent it, does at most in proportion more for four
 * times the text. Counted are the blocks of JavaScript that run (V8's own coverage), never time. Regular expressions run
 * outside these blocks; regular-expressions.test.ts has them.
 */
const session = new Session();

beforeAll(async () => {
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
});
afterAll(() => session.disconnect());

async function countBlocks(work: () => unknown): Promise<number> {
  await session.post('Profiler.takePreciseCoverage');
  await work();
  const { result } = await session.post('Profiler.takePreciseCoverage');
  return result
    .flatMap(({ functions }) => functions.flatMap(({ ranges }) => ranges))
    .reduce((sum, { count }) => sum + count, 0);
}

const SMALL = 4_000;

/** `make` makes input of about that many characters; `load` loads what works on it once the counting is on. */
async function expectLinear<T>(
  make: (characters: number) => T,
  load: () => Promise<(input: T) => unknown>,
): Promise<void> {
  const work = await load();
  work(make(100));
  const [few, many] = [make(SMALL), make(4 * SMALL)];
  const small = await countBlocks(() => work(few));
  const large = await countBlocks(() => work(many));
  // Sorting, and what does not depend on the text, are let through; a square on top of much else is not.
  expect(large / small).toBeLessThan(4.8);
}

const nested = (depth: number, leaf: string): string => `${'{"k":['.repeat(depth)}${leaf}${']}'.repeat(depth)}`;

/** Bodies that made a parser stop, or would make a careless one. */
const BODIES: Readonly<Record<string, (n: number) => string>> = {
  'zeros inside a number': (n) => `{"token":1.${'0'.repeat(n)}1}`,
  'many numbers': (n) =>
    `[${Array(n / 10)
      .fill('1.5000001')
      .join()}]`,
  'negative zeros': (n) =>
    `[${Array(n / 4)
      .fill('-0')
      .join()}]`,
  'blanks after texts': (n) =>
    `[${Array(n / 20)
      .fill(`"a"${' '.repeat(16)}`)
      .join()}]`,
  escapes: (n) => `["${'\\u00e9'.repeat(n / 6)}"]`,
  backslashes: (n) => `["${'\\\\'.repeat(n / 2)}"]`,
  'a text without an end': (n) => `["${'\\"'.repeat(n / 2)}`,
  'many keys': (n) => `{${Array.from({ length: n / 12 }, (_, i) => `"key${i}":1`).join()}}`,
  'one key twice, at the end': (n) => `{"a":"${'x'.repeat(n)}","a":1}`,
  'brackets only': (n) => '['.repeat(n),
  'deep lists': (n) =>
    `[${Array(Math.floor(n / 300))
      .fill(nested(40, '1'))
      .join()}]`,
  'line breaks before an error': (n) => `${'\n'.repeat(n)}x`,
};

describe('strict JSON', () => {
  it.each(Object.entries(BODIES))('%s', (_name, body) =>
    expectLinear(body, async () => (await import('../../src/domain/json/strict-json.ts')).parseStrictJson),
  );
});

const letters = (n: number): string => 'aа\u202e\n'.repeat(n / 4);
const record = (n: number): JsonObject =>
  Object.fromEntries(Array.from({ length: n / 20 }, (_, i) => [`key ${i}`, `value ${i}`]));
const list = (n: number): readonly string[] => Array.from({ length: n / 10 }, (_, i) => `text ${i}`);
const schema: JsonObject = {
  type: 'object',
  properties: {
    list: { type: 'array', items: { type: 'string', pattern: '^(x+x+)+y$', maxLength: 20 } },
    unique: { type: 'array', items: {}, uniqueItems: true, maxItems: 100 },
  },
  additionalProperties: { type: 'string', format: 'uri' },
};

const compileSchema = async () => {
  const { createSchemaCompiler } = await import('../../src/domain/policy/argument-schema.ts');
  const compiled = createSchemaCompiler()(schema, []);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.findings));
  return (args: JsonObject) => compiled.validate(args, { sealed: false });
};

describe('what outside text goes through', () => {
  it('canonical JSON', () =>
    expectLinear(
      (n) => ({ ...record(n), list: list(n) }),
      async () => (await import('../../src/domain/proof/digest.ts')).canonicalJson,
    ));

  it('base64 in a workflow', () =>
    expectLinear(
      (n) => 'QUFB'.repeat(n / 4),
      async () => (await import('../../src/domain/text/base64.ts')).decodeBase64Text,
    ));

  it('an envelope that nobody signed', () =>
    expectLinear(
      (n) => ({
        payload: Buffer.from(JSON.stringify({ proposer: 'x', request: record(n) })).toString('base64'),
        payloadType: 'application/vnd.holdpoint.proposal.v1+json',
        signatures: Array.from({ length: 4 }, () => ({ sig: Buffer.alloc(64).toString('base64') })),
      }),
      async () => {
        const { verifyEnvelope, readPayload } = await import('../../src/domain/proof/dsse.ts');
        const keys = [{ keyid: 'k', publicKey: generateKeyPairSync('ed25519').publicKey }];
        return (envelope) => [verifyEnvelope('proposal', envelope, keys), readPayload('proposal', envelope)];
      },
    ));

  it('arguments of few values and a schema', () =>
    expectLinear((n) => ({ list: ['x'.repeat(n)], url: 'x'.repeat(n) }), compileSchema));

  it('arguments of many values and a schema', () =>
    expectLinear((n) => ({ unique: Array.from({ length: n }, (_, i) => [i]) }), compileSchema));

  it('a form as Stripe reads it', () =>
    expectLinear(
      (n) => ({ metadata: record(n), list: list(n) }),
      async () => (await import('../../src/domain/render/form.ts')).encodeForm,
    ));

  it('letters that look like others', () =>
    expectLinear(
      (n) => `${'аb'.repeat(n / 4)} ${'ab '.repeat(n / 8)}`,
      async () => (await import('../../src/domain/text/look-alikes.ts')).findLookAlikes,
    ));

  it('text made visible', () =>
    expectLinear(letters, async () => {
      const { clip, machineJson, visibleJson, visibleLines } = await import('../../src/domain/text/visible.ts');
      return (text) => [visibleLines(text), visibleJson(text), machineJson(text), clip(text, 10)];
    }));

  it('text made visible on the page', () =>
    expectLinear(letters, async () => (await import('../../src/dashboard/ui/visible.ts')).splitVisible));

  it('two versions line by line', () =>
    expectLinear(
      (n) => ({ before: list(8 * n), after: list(8 * n).map((text) => `${text}!`) }),
      async () => {
        const { diffJson } = await import('../../src/domain/show/changes.ts');
        return ({ before, after }) => diffJson(before, after);
      },
    ));

  it('SQL', () =>
    expectLinear(
      (n) => `SELECT ${Array.from({ length: n / 10 }, (_, i) => `t.col${i}`).join()} FROM t`,
      async () => {
        const { analyzeSelect } = await import('../../src/domain/sql/analyze.ts');
        const { loadSqlParser } = await import('../../src/domain/sql/parser.ts');
        await loadSqlParser();
        return analyzeSelect;
      },
    ));

  it('an answer from which secrets are taken out', () =>
    expectLinear(
      (n) => ({ list: list(n), record: record(n), text: 'sec1etSEC1ET '.repeat(n / 10) }),
      async () => {
        const { scrub } = await import('../../src/connectors/scrub.ts');
        const secrets = Array.from({ length: 100 }, (_, i) => `sec${i}et`);
        return (answer) => scrub(answer, secrets);
      },
    ));

  it.each(Object.entries(BODIES))('an answer with exact numbers: %s', (_what, make) =>
    expectLinear(make, async () => {
      const { parseExactJson, writeJson } = await import('../../src/contract/exact-number.ts');
      return (text) => {
        try {
          return writeJson(parseExactJson(text));
        } catch {
          return undefined;
        }
      };
    }),
  );

  it('an answer of which a part is kept, and characters that hide text', () =>
    expectLinear(
      (n) => ({ list: list(n), record: record(n), text: '\u202e a\u200d'.repeat(n / 4) }),
      async () => {
        const { fitJson } = await import('../../src/domain/json/fit.ts');
        const { findSteering } = await import('../../src/domain/text/visible.ts');
        return (answer) => [fitJson(answer, 500, ''), findSteering([answer.text])];
      },
    ));

  it('the form that Slack posts', () =>
    expectLinear(
      (n) => Buffer.from(String(new URLSearchParams({ payload: JSON.stringify({ type: 'x', more: record(n) }) }))),
      async () => (await import('../../src/api/slack/interaction.ts')).readInteraction,
    ));

  it('a YAML file', () =>
    expectLinear(
      (n) => Array.from({ length: n / 20 }, (_, i) => `- { id: agent-${i} }`).join('\n'),
      async () => {
        const { readYaml } = await import('../../src/domain/files/yaml-source.ts');
        return (text) => readYaml(text, 'x.yaml');
      },
    ));

  it('is counted: a square is found', () =>
    expect(
      expectLinear(list, async () => (texts) => texts.filter((text) => texts.every((other) => other !== `${text}!`))),
    ).rejects.toThrow());
});

describe('what would be larger than its text', () => {
  it('a form in which a long key stands above many values is refused', async () => {
    const { encodeForm } = await import('../../src/domain/render/form.ts');
    expect(encodeForm({ ['k'.repeat(50_000)]: Array(50_000).fill(0) }).errors).toHaveLength(1);
    expect(encodeForm({ a: { b: ['c', ''] } }).text).toBe('a%5Bb%5D%5B0%5D=c&a%5Bb%5D%5B1%5D=');
  });

  it('definitions that refer to each other are looked through once', async () => {
    const { findUnboundedSchemas } = await import('../../src/domain/policy/schema.ts');
    const ladder = (rungs: number): JsonObject => ({
      $ref: '#/$defs/d0',
      $defs: Object.fromEntries(
        Array.from({ length: rungs }, (_, i) => [
          `d${i}`,
          i === rungs - 1 ? {} : { allOf: [{ $ref: `#/$defs/d${i + 1}` }, { $ref: `#/$defs/d${i + 1}` }] },
        ]),
      ),
    });
    expect(findUnboundedSchemas(ladder(40))).toEqual([]);
  });
});
