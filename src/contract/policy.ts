import { z } from 'zod';
import { HEADER_NAME_PATTERN } from './constants.ts';
import { classSchema, gateSchema, toolNameSchema } from './call.ts';
import { digestSchema, jsonObjectSchema } from './json.ts';

/** `4s`, `30m`, `24h`, `7d`. */
export const durationSchema = z.string().regex(/^[1-9][0-9]{0,6}(ms|s|m|h|d)$/, 'a duration such as 4s, 30m or 24h');

/** A duration with an upper end: a typing error must not wait for centuries, or overflow a timer. */
export const durationUpTo = (most: string): z.ZodString =>
  durationSchema.refine(
    // A text of another form has its own error.
    (text) => !durationSchema.safeParse(text).success || durationMs(text) <= durationMs(most),
    `at most ${most}`,
  );

/** Longest durations, by what they are for. */
export const LONGEST = {
  /** Time to live of a question, with its reminders and its escalation. */
  wait: '365d',
  /** One call of a target. */
  call: '24h',
  /** From an approval to its execution. */
  execution: '30d',
  /** How long a provider knows an idempotency key. */
  idempotency: '365d',
  /** The span over which messages are counted. */
  rate: '7d',
} as const;

/** Milliseconds of a duration string that {@link durationSchema} accepted. */
export function durationMs(text: string): number {
  const match = /^([0-9]+)(ms|s|m|h|d)$/.exec(text);
  if (match === null) throw new TypeError(`not a duration: ${text}`);
  const unit = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match[2] as 'ms' | 's' | 'm' | 'h' | 'd'];
  return Number(match[1]) * unit;
}

/** JSON Pointer (RFC 6901) into arguments or a response body; `*` matches every array element or key (responses only). */
export const pointerSchema = z.string().regex(/^(\/([^~/]|~[01])*)+$/, 'a JSON Pointer such as /memo');

const pathSchema = z.string().regex(/^\//, 'a path that starts with /');

/**
 * How a target that redirects to another place tells what is called so now: where the place begins with `path` (a template),
 * a GET there answers with the name at the JSON Pointer `name`.
 */
export const movedSchema = z.strictObject({ path: pathSchema, name: pointerSchema });

export const headerNameSchema = z.string().regex(HEADER_NAME_PATTERN, 'the name of a header such as Idempotency-Key');

const statusSchema = z.int().min(100).max(599);

/** How the `http` connector renders a call. */
export const httpRequestSchema = z.strictObject({
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']),
  /** Path template appended to the connector's `baseUrl`; `{name}` is filled from arguments, may hold a query `?a={b}`. */
  path: pathSchema,
  /** `arguments`: all that the path does not use. Absent: no body; arguments go to the query. */
  body: z.enum(['arguments']).optional(),
  bodyFormat: z.enum(['json', 'form']).optional(),
  /** `clear`: the target clears what is null. Forms and queries send it as an empty text, and refuse it without this. */
  nulls: z.enum(['clear']).optional(),
  /** Static headers only. */
  headers: z.record(z.string(), z.string()).optional(),
  /** Status codes that mean success (default 200–299), and one condition on the body (CEL over `body`); one of them by itself. */
  success: z
    .union([
      statusSchema,
      z.string(),
      z
        .array(z.union([statusSchema, z.string()]))
        .min(1)
        .refine((items) => items.filter((item) => typeof item === 'string').length <= 1, 'at most one condition'),
    ])
    .optional(),
});
export type HttpRequestTemplate = z.infer<typeof httpRequestSchema>;

/** Facts that the execute worker fetches before people look. */
export const httpPreviewSchema = z.strictObject({
  requests: z.array(
    z.strictObject({
      path: pathSchema,
      facts: z.array(
        z.strictObject({
          name: z.string(),
          label: z.string(),
          /** JSON Pointer into the response. */
          pointer: z.string(),
          /** Fetched again at execution; a difference is `drifted`. */
          pinned: z.boolean().optional(),
          /** The value is an array: show how many. */
          count: z.boolean().optional(),
        }),
      ),
    }),
  ),
});
export type HttpPreview = z.infer<typeof httpPreviewSchema>;

/**
 * What a call can do beyond its answer. `money`: moves money, or obliges a person to pay. `access`: lets a person, key
 * or address read, write or sign in, or stops protecting. `destroy`: removes what cannot be put back as it was.
 * `publish`: shown or sent to people. `code`: changes what CI or users will run. `read`: answers only. `none`: none of
 * these.
 */
export const EFFECTS = ['read', 'money', 'access', 'destroy', 'publish', 'code', 'none'] as const;
export type Effect = (typeof EFFECTS)[number];
const effectsSchema = z
  .array(z.enum(EFFECTS))
  .min(1)
  .refine((effects) => new Set(effects).size === effects.length, 'each effect once')
  .refine((effects) => effects.length === 1 || !effects.includes('none'), 'none stands alone');

/**
 * Answers that prove that the call did not run, and that it may be made later: a status, or a status that counts only with
 * a header (and value) beside it.
 */
const statusToDeferSchema = z.int().min(400).max(599);
export const deferOnSchema = z
  .array(
    z.union([
      statusToDeferSchema,
      z.strictObject({ status: statusToDeferSchema, header: headerNameSchema, value: z.string().optional() }),
    ]),
  )
  .min(1);
export type DeferOn = z.infer<typeof deferOnSchema>;

const sqlNameSchema = z.string().regex(/^[^\s."]+(\.[^\s."]+)?$/, 'a name, or schema.name');

const factNameSchema = z.strictObject({ fact: z.string().min(1).max(100) });

/** A JSON Pointer into the arguments (`*` matches every element of a list), or a fact of the preview by its name. */
export const moneyPlaceSchema = z.union([pointerSchema, factNameSchema]);
export type MoneyPlace = z.infer<typeof moneyPlaceSchema>;

const currencyCodeSchema = z.string().regex(/^[A-Za-z]{3,10}$/, 'a currency code such as EUR');

/** An amount of a call, so that people read it in its currency. */
export const moneySchema = z.strictObject({
  amount: moneyPlaceSchema,
  /** Where its code stands, or the code itself. */
  currency: z.union([
    z
      .string()
      .regex(/^([A-Za-z]{3,10}|(\/([^~/]|~[01])*)+)$/, 'a JSON Pointer such as /currency, or a code such as EUR'),
    factNameSchema,
  ]),
  /** `minor`: counted in the currency's smallest unit (cents); `major`: in the currency itself. */
  scale: z.enum(['minor', 'major']),
  /** Decimals of the smallest unit by currency, where the provider counts otherwise than ISO 4217. */
  exponents: z.record(currencyCodeSchema, z.int().min(0).max(18)).optional(),
});
export type Money = z.infer<typeof moneySchema>;

export const toolSchema = z.strictObject({
  name: toolNameSchema,
  /** What a call does, for people: a sentence in which `{name}` is filled from the arguments, text in quotes. */
  title: z.string().min(1).max(200).optional(),
  /** What the tool does, for models. */
  description: z.string().max(2_000).optional(),
  class: classSchema,
  /** Built-in tools must state them. The class may not be below what they demand. */
  effects: effectsSchema.optional(),
  gate: gateSchema.optional(),
  /** Why it has this class. */
  reason: z.string().max(500).optional(),
  connector: z.string(),
  request: httpRequestSchema.optional(),
  preview: z.union([httpPreviewSchema, z.strictObject({ builtin: z.literal('sql') })]).optional(),
  /** PostgreSQL connector: what it does. */
  sql: z.enum(['select', 'execute']).optional(),
  /** PostgreSQL connector: names, as SQL writes them, that a plain statement may use beside the built-in ones. */
  allow: z
    .strictObject({
      /** Enum types. */
      types: z.array(sqlNameSchema).optional(),
      /** Functions that are not volatile. */
      functions: z.array(sqlNameSchema).optional(),
    })
    .optional(),
  /** MCP connector: the upstream's tool name. */
  mcpTool: z.string().optional(),
  /** JSON Schema (2020-12) of the arguments. Absent: any object. */
  arguments: jsonObjectSchema.optional(),
  /** What of the arguments and the preview's facts is money. `[]`: nothing is. */
  money: z.array(moneySchema).max(50).optional(),
  seal: z.array(pointerSchema).optional(),
  redact: z.array(z.string()).optional(),
  idempotency: z.strictObject({ header: z.string(), window: durationUpTo(LONGEST.idempotency).optional() }).optional(),
  deferOn: deferOnSchema.optional(),
  /** HTTP connector: where a redirect tells what is called by another name now. */
  moved: movedSchema.optional(),
  timeout: durationUpTo(LONGEST.call).optional(),
  /** Loosens a built-in tool; every record shows it. */
  override: z.boolean().optional(),
});
export type ToolDefinition = z.infer<typeof toolSchema>;

export const ruleSchema = z.strictObject({
  /** CEL over `tool, service, arguments, context, proposer`; must be a bool. */
  when: z.string(),
  class: classSchema,
  gate: gateSchema.optional(),
  reason: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]*$/, 'a word of lower-case letters, digits, _ and -')
    .optional(),
});
export type Rule = z.infer<typeof ruleSchema>;

export const approvalSchema = z.strictObject({
  match: z.string(),
  levels: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(100),
        approvers: z.array(z.string()).min(1),
        quorum: z.int().min(1).max(20),
      }),
    )
    .min(1)
    .max(10),
  separationOfDuties: z.boolean().optional(),
  ttl: durationUpTo(LONGEST.wait).optional(),
  remind: z.array(durationUpTo(LONGEST.wait)).max(10).optional(),
  escalate: z.strictObject({ after: durationUpTo(LONGEST.wait), to: z.array(z.string()).min(1) }).optional(),
  emailDecision: z.enum(['confirm', 'sign-in', 'off']).optional(),
  /** Whether buttons of a Slack message decide (`confirm`), lead to the review, or are not there. */
  slackDecision: z.enum(['confirm', 'sign-in', 'off']).optional(),
  /**
   * The same call again while it waits, or within an hour of its rejection: that review is the answer, or people are asked
   * again.
   */
  reproposal: z.enum(['attach', 'ask']).optional(),
});
export type ApprovalRule = z.infer<typeof approvalSchema>;

/** The built-in catalogs. */
export const CATALOGS = ['github', 'stripe', 'postgres'] as const;
export type Catalog = (typeof CATALOGS)[number];

/** The policy file, and a catalog file (which has `version`, `tools` and `rules` only). */
export const policyFileSchema = z.strictObject({
  version: z.literal(1),
  include: z.array(z.enum(CATALOGS)).optional(),
  tools: z.array(toolSchema).optional(),
  rules: z.array(ruleSchema).optional(),
  approvals: z.array(approvalSchema).optional(),
  unknownTool: z.enum(['irreversible', 'forbidden']).optional(),
  /** Upstream MCP tools that changed since they were first seen, by `mcp.<server>.<tool>`: the digest that is accepted. */
  accept: z
    .record(z.string().regex(/^mcp\.[a-z][A-Za-z0-9_-]*\.[^]+$/, 'mcp.<server>.<tool>'), digestSchema)
    .optional(),
});
export type PolicyFile = z.infer<typeof policyFileSchema>;

export const DEFAULT_TTL = '24h';
