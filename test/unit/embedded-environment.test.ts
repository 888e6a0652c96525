import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readEnvironment, requireDistinctPorts } from '../../src/cli/compose/environment.ts';
import { noProxy } from '../../src/domain/proxy.ts';
import { findTemporalTarget } from '../../src/cli/compose/temporal-target.ts';
import { StartError } from '../../src/cli/start-error.ts';

function refusalOf(run: () => unknown): StartError {
  try {
    run();
  } catch (error) {
    if (error instanceof StartError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('settings', () => {
  test('have defaults', () => {
    expect(readEnvironment({})).toEqual({
      host: '127.0.0.1',
      port: 8080,
      dataDir: '.holdpoint',
      configFile: 'holdpoint.yaml',
      healthPort: null,
      metricsPort: null,
      keysDir: null,
      temporalPort: 7233,
      temporalUiPort: 8233,
      temporalUiUrl: null,
      databaseUrl: null,
      logLevel: 'info',
      proxy: noProxy,
      trustProxy: null,
      tracesUrl: null,
      deploymentVersion: null,
    });
  });

  test('traces go where OpenTelemetry’s own variables say, in the one form that there is', () => {
    const tracesUrlOf = (env: Readonly<Record<string, string>>) => readEnvironment(env).tracesUrl;
    const OTEL_EXPORTER_OTLP_ENDPOINT = 'http://collector:4318/';
    expect(tracesUrlOf({ OTEL_EXPORTER_OTLP_ENDPOINT })).toBe('http://collector:4318/v1/traces');
    const OTEL_EXPORTER_OTLP_TRACES_ENDPOINT = 'http://other:4318/t';
    expect(tracesUrlOf({ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT })).toBe(
      'http://other:4318/t',
    );
    const OTEL_EXPORTER_OTLP_PROTOCOL = 'grpc';
    expect(tracesUrlOf({ OTEL_EXPORTER_OTLP_PROTOCOL })).toBeNull();
    for (const bad of [
      { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL },
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' },
    ]) {
      expect(refusalOf(() => readEnvironment(bad)).message).toMatch(/^OTEL_EXPORTER_OTLP_\w+ is "[^"]+"\. Set it to /);
    }
  });

  test('are read as they are', () => {
    const read = readEnvironment({ HOLDPOINT_PORT: '21200', DATABASE_URL: 'postgresql://u@h:5432/d' });
    expect(read).toMatchObject({ port: 21_200, databaseUrl: 'postgresql://u@h:5432/d' });
  });

  test('a version of gate workers has a name and a build, or is none', () => {
    const [HOLDPOINT_DEPLOYMENT_NAME, HOLDPOINT_BUILD_ID] = ['holdpoint', '1.4.0'];
    expect(readEnvironment({ HOLDPOINT_DEPLOYMENT_NAME, HOLDPOINT_BUILD_ID }).deploymentVersion).toEqual({
      deploymentName: 'holdpoint',
      buildId: '1.4.0',
    });
    for (const half of [{ HOLDPOINT_DEPLOYMENT_NAME }, { HOLDPOINT_BUILD_ID }]) {
      expect(refusalOf(() => readEnvironment(half)).code).toBe('setting_invalid');
    }
    const dotted = { HOLDPOINT_DEPLOYMENT_NAME: 'hold.point', HOLDPOINT_BUILD_ID };
    expect(refusalOf(() => readEnvironment(dotted)).message).toContain('HOLDPOINT_DEPLOYMENT_NAME');
  });

  test('an empty variable is an unset one', () => {
    expect(readEnvironment({ HOLDPOINT_PORT: '' }).port).toBe(8080);
  });

  test.each(['80a', '0', '65536', '-1', '8080 ', '1e3', '0x50', '80.5'])('port %j stops the start', (value) => {
    const refusal = refusalOf(() => readEnvironment({ HOLDPOINT_PORT: value }));
    expect(refusal.code).toBe('setting_invalid');
    expect(refusal.message).toContain('HOLDPOINT_PORT');
  });

  test('proxies are named by address, never by number', () => {
    for (const list of ['10.0.0.0/8, loopback', '::1', '192.0.2.1,2001:db8::/32']) {
      expect(readEnvironment({ HOLDPOINT_TRUST_PROXY: list }).trustProxy).toBe(list);
    }
    for (const list of ['1', 'true', '10.0.0.0/33', 'proxy.example', 'loopback,']) {
      expect(refusalOf(() => readEnvironment({ HOLDPOINT_TRUST_PROXY: list })).code).toBe('setting_invalid');
    }
  });

  test('every wrong variable is named at once', () => {
    const { message } = refusalOf(() => readEnvironment({ HOLDPOINT_PORT: 'x', HOLDPOINT_LOG_LEVEL: 'loud' }));
    expect(message).toContain('HOLDPOINT_PORT');
    expect(message).toContain('HOLDPOINT_LOG_LEVEL');
  });

  test('a malformed database URL is not repeated: it may hold a password', () => {
    const { message } = refusalOf(() => readEnvironment({ DATABASE_URL: 'mysql://u:hunter2@h/d' }));
    expect(message).toContain('DATABASE_URL');
    expect(message).not.toContain('hunter2');
  });

  test('a password in a file completes the URL, whatever characters it has', () => {
    const directory = mkdtempSync(join(tmpdir(), 'holdpoint-env-'));
    const file = join(directory, 'password');
    writeFileSync(file, 'p/a@s:s%w#d\n');
    const { databaseUrl } = readEnvironment({ DATABASE_URL: 'postgresql://u@h/d', DATABASE_PASSWORD_FILE: file });
    rmSync(directory, { recursive: true });
    expect(decodeURIComponent(new URL(databaseUrl ?? '').password)).toBe('p/a@s:s%w#d');
  });

  test.each([
    ['a file that is not there', { DATABASE_URL: 'postgresql://u@h/d', DATABASE_PASSWORD_FILE: '/nonexistent' }],
    ['a password for no database', { DATABASE_PASSWORD_FILE: '/nonexistent' }],
  ])('%s stops the start', (_, env) => {
    expect(refusalOf(() => readEnvironment(env)).code).toBe('setting_invalid');
  });

  test('two parts cannot have one port', () => {
    const settings = readEnvironment({ HOLDPOINT_PORT: '7233' });
    expect(refusalOf(() => requireDistinctPorts(settings)).code).toBe('setting_invalid');
    expect(() => requireDistinctPorts(readEnvironment({}))).not.toThrow();
  });
});

describe('which Temporal', () => {
  test('none named: the embedded one', () => {
    expect(findTemporalTarget({ TEMPORAL_CLI: '/usr/bin/temporal' })).toBeUndefined();
  });

  test('address, namespace and key are used together', () => {
    const target = findTemporalTarget({
      TEMPORAL_ADDRESS: 'temporal.example.com:7233',
      TEMPORAL_NAMESPACE: 'payments',
      TEMPORAL_API_KEY: 'k',
    });
    expect(target).toMatchObject({
      namespace: 'payments',
      connectionOptions: { address: 'temporal.example.com:7233', apiKey: 'k' },
    });
  });

  test('a namespace without a server is refused instead of dropped', () => {
    expect(refusalOf(() => findTemporalTarget({ TEMPORAL_NAMESPACE: 'payments' })).code).toBe('setting_invalid');
  });

  test('a profile that does not exist is refused', () => {
    const env = { TEMPORAL_PROFILE: 'nowhere', TEMPORAL_CONFIG_FILE: '/nonexistent/temporal.toml' };
    expect(refusalOf(() => findTemporalTarget(env)).code).toBe('setting_invalid');
  });
});
