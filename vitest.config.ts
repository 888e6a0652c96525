import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

interface Tier {
  readonly name: string;
  /** What must be there before the first test: servers, a build. */
  readonly globalSetup?: string[];
  readonly testTimeout: number;
  /** Files share a process and what it has loaded. Not where a file changes the process, e.g. installs an SDK's runtime. */
  readonly shared?: boolean;
}

const TEMPORAL = './test/support/setup/temporal.ts';
const TIME_SKIPPING = './test/support/setup/time-skipping.ts';
const BUILD = './test/support/setup/build.ts';
const DATABASE = './test/support/setup/database.ts';
const KUBERNETES = './test/support/setup/kubernetes.ts';

const TIERS: readonly Tier[] = [
  { name: 'unit', testTimeout: 30_000, shared: true },
  { name: 'workflow', globalSetup: [TIME_SKIPPING, TEMPORAL, DATABASE], testTimeout: 120_000 },
  { name: 'activity', globalSetup: [DATABASE, KUBERNETES], testTimeout: 120_000, shared: true },
  { name: 'api', globalSetup: [DATABASE], testTimeout: 60_000, shared: true },
  { name: 'replay', testTimeout: 120_000 },
  { name: 'e2e', globalSetup: [TEMPORAL, BUILD, DATABASE], testTimeout: 300_000 },
  { name: 'browser', globalSetup: [TEMPORAL, BUILD, DATABASE], testTimeout: 300_000 },
  { name: 'chaos', globalSetup: [TEMPORAL, BUILD, DATABASE], testTimeout: 600_000 },
];
const FIRST_WITH_PROCESSES = TIERS.findIndex(({ name }) => name === 'e2e');

/** These tiers run workflows in their own process, without a server. */
const IN_PROCESS: ReadonlySet<string> = new Set(['api', 'browser']);
const RUNTIME = fileURLToPath(new URL('test/support/workflow-runtime.ts', import.meta.url));

const PURE: ReadonlySet<string> = new Set(['unit', 'replay']);

export default defineConfig({
  test: {
    maxWorkers: 2,
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      reporter: ['text-summary', 'json-summary', 'html'],
      reportsDirectory: 'coverage',
    },
    projects: TIERS.map((tier, index) => ({
      test: {
        name: tier.name,
        include: [`test/${tier.name}/**/*.test.ts`],
        globalSetup: tier.globalSetup ?? [],
        testTimeout: tier.testTimeout,
        alias: IN_PROCESS.has(tier.name) ? [{ find: /^@temporalio\/workflow$/, replacement: RUNTIME }] : [],
        // The first hook of a tier may start servers on a machine that is busy.
        hookTimeout: 180_000,
        isolate: tier.shared !== true,
        maxWorkers: 2,
        // What waits for real servers, browsers and clocks on a shared machine is tried once more; the report says
        // `(retry x1)`. Pure tests have no such excuse.
        retry: PURE.has(tier.name) ? 0 : 1,
        // One tier after the other, cheapest first; those with processes of their own together, as they mostly wait.
        sequence: { groupOrder: Math.min(index, FIRST_WITH_PROCESSES) },
      },
    })),
  },
});
