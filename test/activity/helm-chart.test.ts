import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { createProgram } from '../../src/cli/commands/program.ts';
import { readEnvironment } from '../../src/cli/compose/environment.ts';
import { readTemporalTarget } from '../../src/cli/compose/temporal-target.ts';
import { packageFile } from '../../src/cli/embedded/cache.ts';
import { getKubernetesTools, type KubernetesTools } from '../support/kubernetes.ts';

const CHART = packageFile('deploy', 'helm', 'holdpoint');
const EXAMPLES = readdirSync(join(CHART, 'examples'));
const PARTS = ['api-propose', 'api-review', 'gate-worker', 'execute-worker'] as const;
type Part = (typeof PARTS)[number];

interface Resource {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  // Of so many kinds, read as what a test looks for.
  readonly spec: any; // eslint-disable-line typescript/no-explicit-any
  readonly data?: Readonly<Record<string, string>>;
  readonly automountServiceAccountToken?: boolean;
}

/** What a part presents to Temporal, by example. */
const CREDENTIALS: Readonly<Record<string, object>> = {
  'values-self-hosted.yaml': { tls: undefined },
  'values-temporal-cloud-mtls.yaml': {
    tls: {
      clientCertPair: { crt: new Uint8Array(Buffer.from('tls.crt')), key: new Uint8Array(Buffer.from('tls.key')) },
    },
  },
  'values-temporal-cloud-api-key.yaml': { tls: {}, apiKey: 'key' },
};

let tools: KubernetesTools;
let directory: string;
beforeAll(async () => {
  tools = await getKubernetesTools();
  directory = mkdtempSync(join(tmpdir(), 'holdpoint-helm-'));
  writeFileSync(
    join(directory, 'config.yaml'),
    stringify({ config: { holdpoint: 'policy: ./policy.yaml\n', policy: 'version: 1\n' } }),
  );
  for (const name of ['tls.crt', 'tls.key']) writeFileSync(join(directory, name), name);
  writeFileSync(join(directory, 'temporal.toml'), '[profile.default]\napi_key = "key"\n');
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const valuesOf = (example: string) => ['-f', join(CHART, 'examples', example), '-f', join(directory, 'config.yaml')];

function helm(...args: readonly string[]) {
  const env = { PATH: process.env.PATH ?? '', HOME: directory };
  return spawnSync(tools.helm, args, { encoding: 'utf8', env });
}

const rendered = new Map<string, readonly Resource[]>();
function render(example: string, ...set: readonly string[]): readonly Resource[] {
  const args = ['template', 'hp', CHART, ...valuesOf(example), ...set.flatMap((one) => ['--set', one])];
  const known = rendered.get(args.join(' '));
  if (known !== undefined) return known;
  const { status, stdout, stderr } = helm(...args);
  if (status !== 0) throw new Error(stderr);
  const all = parseAllDocuments(stdout).map((document) => document.toJS() as Resource | null);
  const resources = all.filter((resource) => resource !== null);
  rendered.set(args.join(' '), resources);
  return resources;
}

const ofPart = (resources: readonly Resource[], kinds: readonly string[], part: string) => {
  const found = resources.filter(({ kind, metadata }) => kinds.includes(kind) && metadata.name === `hp-${part}`);
  expect(found).toHaveLength(1);
  return found[0] as Resource;
};
const podOf = (resources: readonly Resource[], part: string) =>
  ofPart(resources, ['Deployment', 'StatefulSet', 'Job'], part).spec.template.spec;
const secretsOf = (pod: ReturnType<typeof podOf>): string[] =>
  pod.volumes.flatMap(({ secret }: { secret?: { secretName: string } }) =>
    secret === undefined ? [] : [secret.secretName],
  );
const envOf = (pod: ReturnType<typeof podOf>): Record<string, string> =>
  Object.fromEntries(pod.containers[0].env.map(({ name, value }: { name: string; value: string }) => [name, value]));

describe.each(EXAMPLES)('the chart with %s', (example) => {
  test('passes helm lint and fits the schemas of Kubernetes, strictly', () => {
    const lint = helm('lint', '--strict', CHART, ...valuesOf(example));
    expect(lint.stdout + lint.stderr).toContain('0 chart(s) failed');
    expect(lint.status).toBe(0);
    const input = stringifyAll(render(example, 'apiPropose.autoscaling.enabled=true'));
    const { resources, summary } = checkSchemas(input);
    expect(resources).toEqual([]);
    expect(summary).toMatchObject({ invalid: 0, errors: 0, skipped: 0 });
    expect(summary.valid).toBeGreaterThan(20);
    const misspelt = input.replace('"runAsNonRoot"', '"runAsNonRot"');
    expect(checkSchemas(misspelt).summary).toMatchObject({ invalid: 1 });
  });

  test('gives every part an identity, a login and keys that no other part has', () => {
    const resources = render(example);
    const all = [...PARTS, 'migrate'];
    const pods = all.map((part) => podOf(resources, part));
    expect(pods.map((pod) => pod.serviceAccountName)).toEqual(all.map((part) => `hp-${part}`));
    for (const [index, part] of all.entries()) {
      expect(ofPart(resources, ['ServiceAccount'], part).automountServiceAccountToken).toBe(false);
      expect(pods[index].automountServiceAccountToken).toBe(false);
    }
    const own = pods.map((pod) => secretsOf(pod).filter((name) => /-(keys|db|values)-/.test(name)));
    expect(new Set(own.flat()).size).toBe(own.flat().length);
    expect(own.map((names) => names.length >= 2)).toEqual([true, true, true, true, false]);
    const users = pods.map((pod) => new URL(envOf(pod).DATABASE_URL ?? '').username);
    expect(users).toEqual(['api', 'review', 'gate', 'execute', 'owner'].map((role) => `holdpoint_${role}`));
  });

  test.each([...PARTS, 'migrate'])('%s fits the restricted profile', (part) => {
    const pod = podOf(render(example), part);
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    for (const { securityContext } of pod.containers) {
      expect(securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    }
    const kinds = pod.volumes.map((volume: object) => Object.keys(volume).find((key) => key !== 'name'));
    expect(['configMap', 'emptyDir', 'secret']).toEqual(expect.arrayContaining(kinds));
    expect(pod).not.toHaveProperty('initContainers');
    for (const key of ['hostNetwork', 'hostPID', 'hostIPC']) expect(pod).not.toHaveProperty(key);
  });

  test.each([...PARTS, 'migrate'])('%s runs a command that there is, under variables that are read', (part) => {
    const pod = podOf(render(example), part);
    const { args } = pod.containers[0] as { args: readonly [string, ...string[]] };
    expect(parses(args)).toBe(true);
    const variables = envOf(pod);
    const read = new Set<string>();
    const env = new Proxy(variables, {
      get: (target, name: string) => (read.add(name), name === 'DATABASE_PASSWORD_FILE' ? undefined : target[name]),
    });
    expect(readEnvironment(env)).toMatchObject({ databaseUrl: expect.stringContaining('sslmode=verify-full') });
    const unread = Object.keys(variables).filter((name) => !read.has(name) && !name.startsWith('TEMPORAL_'));
    expect(unread).toEqual([]);
    if (part === 'migrate') return;
    const here = Object.entries(variables).map(([name, value]) => [
      name,
      value.replace('/run/holdpoint-temporal', directory),
    ]);
    const { connectionOptions, namespace } = readTemporalTarget(Object.fromEntries(here) as Record<string, string>);
    expect({ ...connectionOptions, namespace }).toMatchObject({
      address: variables.TEMPORAL_ADDRESS,
      namespace: variables.TEMPORAL_NAMESPACE,
      ...CREDENTIALS[example],
    });
  });

  test.each(PARTS)('%s is probed where it answers, and every file that it is told of is mounted', (part) => {
    const pod = podOf(render(example), part);
    const [container] = pod.containers;
    const named = new Map(
      container.ports.map(({ name, containerPort }: { name: string; containerPort: number }) => [name, containerPort]),
    );
    const variables = envOf(pod);
    const port = part.startsWith('api') ? variables.HOLDPOINT_PORT : variables.HOLDPOINT_HEALTH_PORT;
    for (const [probe, path] of [
      ['startupProbe', '/healthz'],
      ['livenessProbe', '/healthz'],
      ['readinessProbe', '/readyz'],
    ] as const) {
      const { httpGet } = container[probe];
      expect([httpGet.path, String(named.get(httpGet.port))]).toEqual([path, port]);
    }
    expect(String(named.get('metrics'))).toBe(variables.HOLDPOINT_METRICS_PORT);
    const mounts: readonly string[] = container.volumeMounts.map(({ mountPath }: { mountPath: string }) => mountPath);
    const files = Object.values(variables).flatMap((value) => /(?:^|=)(\/(?:run|etc|var)\/.+)$/.exec(value)?.[1] ?? []);
    expect(files.length).toBeGreaterThanOrEqual(4);
    expect(files.filter((file) => !mounts.some((mount) => `${file}/`.startsWith(`${mount}/`)))).toEqual([]);
  });

  test('denies what is not listed, and lets the execute worker alone out to targets', () => {
    const resources = render(example);
    const policy = (name: string) => ofPart(resources, ['NetworkPolicy'], name).spec;
    expect(policy('default-deny')).toEqual({
      podSelector: { matchLabels: { 'app.kubernetes.io/name': 'holdpoint', 'app.kubernetes.io/instance': 'hp' } },
      policyTypes: ['Ingress', 'Egress'],
    });
    const { networkPolicy, temporal, ...values } = parse(readFileSync(join(CHART, 'examples', example), 'utf8'));
    const dns = {
      to: expect.anything(),
      ports: [
        { protocol: 'UDP', port: 53 },
        { protocol: 'TCP', port: 53 },
      ],
    };
    const database = { to: networkPolicy.database, ports: [{ protocol: 'TCP', port: 5432 }] };
    const server = {
      to: networkPolicy.temporal,
      ports: [{ protocol: 'TCP', port: Number(temporal.address.split(':')[1]) }],
    };
    expect(policy('migrate').egress).toEqual([dns, database]);
    for (const [part, key] of [
      ['api-propose', 'apiPropose'],
      ['api-review', 'apiReview'],
      ['gate-worker', 'gateWorker'],
    ] as const) {
      expect(policy(part).egress).toEqual([dns, database, server, ...(values[key].egress ?? [])]);
    }
    expect(policy('execute-worker').egress).toEqual([
      dns,
      database,
      server,
      expect.objectContaining({ to: expect.anything() }),
    ]);
    expect(values.apiPropose).not.toHaveProperty('egress');
    for (const part of PARTS) {
      const { labels } = ofPart(resources, ['Deployment', 'StatefulSet'], part).spec.template.metadata;
      expect(labels).toMatchObject(policy(part).podSelector.matchLabels);
    }
    expect(policy('execute-worker').ingress).toEqual(policy('gate-worker').ingress);
    expect(JSON.stringify(policy('execute-worker').ingress ?? [])).not.toContain('"http"');
  });
});

describe('the chart', () => {
  const [example = ''] = EXAMPLES;

  test('keeps a volume for each execute worker, and lets its calls end', () => {
    const { spec } = ofPart(render(example, 'executeWorker.longestCallSeconds=300'), ['StatefulSet'], 'execute-worker');
    expect(spec.persistentVolumeClaimRetentionPolicy).toEqual({ whenDeleted: 'Retain', whenScaled: 'Retain' });
    expect(spec.volumeClaimTemplates).toHaveLength(1);
    expect(spec.template.spec.containers[0].volumeMounts).toContainEqual({
      name: 'data',
      mountPath: '/var/lib/holdpoint',
    });
    expect(spec.template.spec.terminationGracePeriodSeconds).toBe(330);
  });

  test('sends agents to the api that proposes, and people to the one that decides', () => {
    const ingress = render('values-self-hosted.yaml').find(({ kind }) => kind === 'Ingress');
    const rules: { host: string; http: { paths: { path: string; backend: { service: { name: string } } }[] } }[] =
      ingress?.spec.rules;
    expect(
      rules.map(({ host, http }) => [host, http.paths.map(({ path, backend }) => `${path} ${backend.service.name}`)]),
    ).toEqual([
      ['holdpoint-agents.example.com', ['/v1 hp-api-propose', '/mcp hp-api-propose', '/openapi.json hp-api-propose']],
      ['holdpoint.example.com', ['/ hp-api-review']],
    ]);
  });

  test('runs one part of an earlier version while the others are new', () => {
    const resources = render('values-self-hosted.yaml', 'image.tag=v2', 'apiPropose.imageTag=v1');
    const images = PARTS.map((part: Part) => podOf(resources, part).containers[0].image.split(':')[1]);
    expect(images).toEqual(['v1', 'v2', 'v2', 'v2']);
  });

  test('versions gate workers alone, where it is configured', () => {
    const resources = render(example, 'versioning.deploymentName=holdpoint', 'versioning.buildId=v2');
    const versioned = PARTS.filter((part) => envOf(podOf(resources, part)).HOLDPOINT_BUILD_ID === 'v2');
    expect(versioned).toEqual(['gate-worker']);
    expect(JSON.stringify(render(example))).not.toContain('HOLDPOINT_DEPLOYMENT_NAME');
  });

  test.each([
    ['database.host=', '/database/host'],
    ['database.prot=1', "'prot'"],
    ['temporal.address=temporal', '/temporal/address'],
    ['temporal.secret=', '/temporal/secret'],
    ['gateWorker.keysSecret=', '/gateWorker/keysSecret'],
    ['executeWorker.replicas=0', '/executeWorker/replicas'],
    ['migrate.databaseSecret=', '/migrate/databaseSecret'],
    ['networkPolicy.database=null', 'database'],
    ['ingress.enabled=true', '/ingress/agentsHost'],
    ['image.digest=latest', '/image/digest'],
    ['versioning.deploymentName=holdpoint', '/versioning/buildId'],
    ['gateWorker.autoscaling.enabled=true', 'gateWorker.autoscaling'],
    ['config.policy=', '/config/policy'],
  ])('refuses %s and names the key', (set, key) => {
    const { status, stderr } = helm(
      'template',
      'hp',
      CHART,
      ...valuesOf('values-temporal-cloud-mtls.yaml'),
      '--set',
      set,
    );
    expect(status).not.toBe(0);
    expect(stderr).toContain(key);
  });

  test('hands the alerts to the Prometheus operator, with the labels that they select by', () => {
    const resources = render('values-self-hosted.yaml');
    const rules = resources.find(({ kind }) => kind === 'PrometheusRule');
    const file = packageFile('deploy', 'alerts', 'holdpoint.rules.yaml');
    expect(rules?.spec).toEqual(parse(readFileSync(file, 'utf8')));
    const monitor = resources.find(({ kind }) => kind === 'PodMonitor');
    expect(monitor?.spec).toMatchObject({
      jobLabel: 'app.kubernetes.io/name',
      podMetricsEndpoints: [{ port: 'metrics', relabelings: [{ targetLabel: 'deployment', replacement: 'hp' }] }],
    });
  });

  test('has the version of the package', () => {
    const { version } = JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as { version: string };
    expect(parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8'))).toMatchObject({ version, appVersion: version });
  });
});

function checkSchemas(input: string) {
  const args = ['-strict', '-summary', '-output', 'json', '-schema-location', tools.schemas];
  const { stdout } = spawnSync(tools.kubeconform, args, { encoding: 'utf8', input });
  const { resources = [], summary } = JSON.parse(stdout) as {
    readonly resources?: readonly unknown[];
    readonly summary: Readonly<Record<string, number>>;
  };
  return { resources, summary };
}

function stringifyAll(resources: readonly Resource[]): string {
  return resources.map((resource) => `---\n${JSON.stringify(resource)}\n`).join('');
}

/** Whether the command line takes these words, without running them. */
function parses([name, ...options]: readonly [string, ...string[]]): boolean {
  const streams = { env: {} } as Parameters<typeof createProgram>[0]['streams'];
  const program = createProgram({ streams, signal: AbortSignal.abort() });
  const command = program.commands.find((candidate) => candidate.name() === name);
  if (command === undefined) return false;
  command.action(() => undefined).exitOverride();
  command.parse(options, { from: 'user' });
  return true;
}
