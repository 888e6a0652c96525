import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { cacheDir, isExecutable, packageFile } from '../../src/cli/embedded/cache.ts';
import { runCommand } from '../../src/cli/embedded/processes.ts';

/** Of test/tools/kubernetes/go.mod. */
const HELM = '4.3.2';
/** Schemas of this release, and of the Prometheus operator's kinds. Checked against the sums that `go mod download` gives. */
const KUBERNETES = { module: 'k8s.io/kubernetes@v1.37.2', sum: 'h1:A2VDEiObzkYqFTKhSsn0ZEb0RlLEXpHWj93gi2HqEwE=' };
const OPERATOR = {
  module: 'github.com/prometheus-operator/prometheus-operator@v0.85.0',
  sum: 'h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=',
};

export interface KubernetesTools {
  readonly helm: string;
  readonly kubeconform: string;
  /** A schema location of kubeconform's. */
  readonly schemas: string;
}

/** Builds helm and kubeconform, and makes schemas, once for each user; minutes the first time. */
export async function getKubernetesTools(): Promise<KubernetesTools> {
  const home = cacheDir(process.env, 'kubernetes', HELM);
  const tools = { helm: join(home, 'bin/helm'), kubeconform: join(home, 'bin/kubeconform') };
  if (!isExecutable(tools.helm) || !isExecutable(tools.kubeconform)) {
    await makeOnce(join(home, 'bin'), (into) =>
      go([
        'build',
        '-trimpath',
        '-o',
        `${into}/`,
        'helm.sh/helm/v4/cmd/helm',
        'github.com/yannh/kubeconform/cmd/kubeconform',
      ]),
    );
  }
  await makeOnce(join(home, 'schemas'), writeSchemas);
  return { ...tools, schemas: `${join(home, 'schemas')}/{{ .ResourceKind }}{{ .KindSuffix }}.json` };
}

async function makeOnce(target: string, make: (into: string) => Promise<unknown>): Promise<void> {
  if (existsSync(target)) return;
  const incoming = mkdtempSync(`${target}-`);
  try {
    await make(incoming);
    renameSync(incoming, target);
  } catch (error) {
    // Unless another run was first.
    if (!existsSync(target)) throw error;
  } finally {
    rmSync(incoming, { recursive: true, force: true });
  }
}

async function go(args: readonly string[]): Promise<string> {
  const result = await runCommand('go', args, {
    cwd: packageFile('test', 'tools', 'kubernetes'),
    env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly', GOWORK: 'off' },
    timeoutMs: 45 * 60_000,
    onProgress: (_, ms) => process.stderr.write(`go ${args[0]}, for the Helm chart: ${Math.round(ms / 1000)} s\n`),
  });
  if (!result.ok) throw new Error(`go ${args.join(' ')} failed: ${result.why}\n${result.output.slice(-4_000)}`);
  return result.stdout;
}

async function download({ module, sum }: typeof KUBERNETES): Promise<string> {
  const { Dir, Sum } = JSON.parse(await go(['mod', 'download', '-json', module])) as Readonly<Record<string, string>>;
  if (Dir === undefined || Sum !== sum) throw new Error(`${module} has the sum ${Sum}, not ${sum}`);
  return Dir;
}

interface Schema {
  additionalProperties?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly [key: string]: unknown;
}

/** One file per kind, as kubeconform looks for them, in which no property is allowed that the schema does not name. */
async function writeSchemas(into: string): Promise<void> {
  mkdirSync(into, { recursive: true });
  const swagger = join(await download(KUBERNETES), 'api/openapi-spec/swagger.json');
  const { definitions } = JSON.parse(readFileSync(swagger, 'utf8')) as { definitions: Record<string, Schema> };
  for (const schema of Object.values(definitions)) close(schema);
  const scalar = [{ type: 'string' }, { type: 'number' }];
  for (const name of ['util.intstr.IntOrString', 'api.resource.Quantity']) {
    definitions[`io.k8s.apimachinery.pkg.${name}`] = { anyOf: scalar };
  }
  writeFileSync(join(into, '_definitions.json'), JSON.stringify({ definitions }));
  for (const [name, schema] of Object.entries(definitions)) {
    const kinds = (schema['x-kubernetes-group-version-kind'] ?? []) as readonly Record<
      'group' | 'version' | 'kind',
      string
    >[];
    if (kinds.length !== 1) continue;
    for (const kind of kinds) write(into, kind, { $ref: `_definitions.json#/definitions/${name}` });
  }
  const crds = join(await download(OPERATOR), 'example/prometheus-operator-crd');
  for (const name of ['podmonitors', 'prometheusrules']) {
    const { spec } = parse(readFileSync(join(crds, `monitoring.coreos.com_${name}.yaml`), 'utf8')) as {
      spec: {
        group: string;
        names: { kind: string };
        versions: { name: string; schema: { openAPIV3Schema: Schema } }[];
      };
    };
    for (const { name: version, schema } of spec.versions) {
      close(schema.openAPIV3Schema);
      write(into, { group: spec.group, version, kind: spec.names.kind }, schema.openAPIV3Schema);
    }
  }
}

function write(
  into: string,
  { group, version, kind }: Record<'group' | 'version' | 'kind', string>,
  schema: unknown,
): void {
  const suffix = group === '' ? version : `${group.split('.')[0]}-${version}`;
  writeFileSync(join(into, `${kind.toLowerCase()}-${suffix}.json`), JSON.stringify(schema));
}

function close(schema: unknown): void {
  if (typeof schema !== 'object' || schema === null) return;
  for (const value of Object.values(schema)) close(value);
  const { properties, additionalProperties } = schema as Schema;
  const isOpen = 'x-kubernetes-preserve-unknown-fields' in schema || additionalProperties !== undefined;
  // `properties` may itself be the name of a property.
  if (typeof properties === 'object' && 'type' in schema && !isOpen) (schema as Schema).additionalProperties = false;
}
