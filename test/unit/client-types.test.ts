import { afterEach, describe, expect, expectTypeOf, test, vi } from 'vitest';
import {
  Holdpoint,
  HoldpointError,
  verifyWebhook,
  type BatchResult,
  type ExecuteResult,
  type ExecutionView,
  type HoldpointErrorCode,
  type JsonObject,
  type Resolution,
  type ResolutionOptions,
} from '../../src/client/index.ts';

// The types are checked by the compiler: a wrong one fails `tsc`, which is part of `npm test`.
describe('types', () => {
  test('a result narrows by executed, escalated, blocked; what is left is an error', () => {
    const look = (d: ExecuteResult): string => {
      if (d.executed) {
        expectTypeOf(d.execution).toEqualTypeOf<ExecutionView>();
        expectTypeOf(d.outcome).toEqualTypeOf<'EXECUTED'>();
      } else if (d.escalated) {
        expectTypeOf(d.reviewId).toEqualTypeOf<string>();
        expectTypeOf(d.expiresAt).toEqualTypeOf<string | null>();
        // @ts-expect-error a call that waits has no result
        void d.execution;
      } else if (d.blocked) {
        expectTypeOf(d.reasonCodes).toEqualTypeOf<string[]>();
        expectTypeOf(d.retryable).toEqualTypeOf<boolean>();
      } else {
        expectTypeOf(d.executionError).toEqualTypeOf<{ code: string; message: string }>();
        expectTypeOf(d.outcome).toEqualTypeOf<'ERROR'>();
      }
      return d.review.id;
    };
    expectTypeOf(look).returns.toEqualTypeOf<string>();
  });

  test('the example of the documentation compiles as it is written', () => {
    const example = async (hp: Holdpoint, owner: string, repo: string, signal: AbortSignal): Promise<unknown> => {
      const d = await hp.execute({
        service: 'github',
        tool: 'github.repos.delete',
        arguments: { owner, repo },
        context: { env: 'production' },
      });
      const seen = d.executed
        ? d.execution.body
        : d.escalated
          ? d.reviewId
          : d.blocked
            ? d.reasonCodes
            : d.executionError;
      const end = await d.review.resolution({ timeout: '10m', signal });
      return [seen, end.executed ? end.execution.body : end.retryable];
    };
    expectTypeOf(example).returns.toEqualTypeOf<Promise<unknown>>();
  });

  test('each result of a batch is a result or an error', () => {
    const look = (batch: BatchResult): string[] =>
      batch.results.map((item) => (item instanceof HoldpointError ? item.code : item.outcome));
    expectTypeOf(look).returns.toEqualTypeOf<string[]>();
  });

  test('a webhook has the type that the caller gives it', () => {
    expectTypeOf(verifyWebhook<{ readonly n: number }>)
      .returns.resolves.toHaveProperty('payload')
      .toEqualTypeOf<{
        readonly n: number;
      }>();
    expectTypeOf<'webhook_signature_invalid'>().toExtend<HoldpointErrorCode>();
  });

  test('a resolution narrows by executed and status', () => {
    const look = (end: Resolution): void => {
      expectTypeOf(end.call.arguments).toEqualTypeOf<JsonObject | null>();
      if (end.executed) expectTypeOf(end.status).toEqualTypeOf<'executed'>();
      else if (end.status === 'failed' || end.status === 'outcome_unknown') {
        expectTypeOf(end.executionError.code).toEqualTypeOf<string>();
      } else if (end.status !== 'approved') expectTypeOf(end.reasonCodes).toEqualTypeOf<readonly string[]>();
    };
    expectTypeOf(look).returns.toEqualTypeOf<void>();
  });

  test('who is asked for changes answers with arguments, or not', () => {
    type Handler = NonNullable<ResolutionOptions['onChangesRequested']>;
    expectTypeOf<Parameters<Handler>[0]['revision']>().toEqualTypeOf<number>();
    expectTypeOf<(asked: { readonly comment: string }) => Promise<JsonObject>>().toExtend<Handler>();
    expectTypeOf<() => string>().not.toExtend<Handler>();
  });

  test('error codes are a union of literals', () => {
    expectTypeOf<'expired'>().toExtend<HoldpointErrorCode>();
    expectTypeOf<'no_such_code'>().not.toExtend<HoldpointErrorCode>();
  });
});

describe('options', () => {
  afterEach(() => vi.unstubAllEnvs());

  test('URL and key come from the environment where they are not given', () => {
    vi.stubEnv('HOLDPOINT_URL', 'https://holdpoint.example.com/gate/');
    vi.stubEnv('HOLDPOINT_API_KEY', 'hpk_x');
    expect(new Holdpoint().url).toBe('https://holdpoint.example.com/gate');
    expect(new Holdpoint({ url: 'http://127.0.0.1:8080' }).url).toBe('http://127.0.0.1:8080');
  });

  test.each([
    ['no URL', { apiKey: 'hpk_x' }],
    ['no key', { url: 'http://127.0.0.1:8080' }],
    ['another scheme', { url: 'file:///etc/passwd', apiKey: 'hpk_x' }],
    ['no scheme', { url: '127.0.0.1:8080', apiKey: 'hpk_x' }],
    ['a query', { url: 'http://127.0.0.1/?a=b', apiKey: 'hpk_x' }],
    ['a key that cannot be a header', { url: 'http://127.0.0.1', apiKey: 'hpk_x\r\nx: y' }],
  ])('%s is an error at once', (_name, options) => {
    vi.stubEnv('HOLDPOINT_URL', '');
    vi.stubEnv('HOLDPOINT_API_KEY', '');
    expect(() => new Holdpoint(options)).toThrow(expect.objectContaining({ code: 'not_configured' }));
  });

  test('without a URL or a key the error says in one sentence what to set', () => {
    vi.stubEnv('HOLDPOINT_URL', '');
    vi.stubEnv('HOLDPOINT_API_KEY', '');
    expect(() => new Holdpoint()).toThrow(
      /^not_configured: no URL of Holdpoint is set; pass \{ url \}[^.]*, or set HOLDPOINT_URL/,
    );
    expect(() => new Holdpoint({ url: 'http://127.0.0.1:8080' })).toThrow(
      /^not_configured: no key is set; .*HOLDPOINT_API_KEY/,
    );
  });
});
