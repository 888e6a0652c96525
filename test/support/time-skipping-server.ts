import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheDir, isExecutable, packageFile, type Environment } from '../../src/cli/embedded/cache.ts';
import { lockFile } from '../../src/cli/embedded/file-lock.ts';
import { runCommand } from '../../src/cli/embedded/processes.ts';
import { downloadThroughSdk, takeFirstSource, type Found } from '../../src/cli/embedded/sources.ts';

/** Same version as in tools/temporal-test-server/pom.xml. */
const VERSION = '1.38.0';
const MAVEN_TIMEOUT_MS = 300_000;

/**
 * Path of a time-skipping test server: `TEMPORAL_TEST_SERVER`, the cache, the SDK's download, or the jars from Maven
 * Central with a script that starts them. Throws where `TEMPORAL_TEST_SERVER` is set to something else.
 */
export async function findTimeSkippingServer(env: Environment, say: (line: string) => void): Promise<string> {
  const directory = cacheDir(env, 'temporal-test-server', VERSION);
  const cached = join(directory, 'temporal-test-server');
  const given = env.TEMPORAL_TEST_SERVER;
  if (given !== undefined && given !== '') {
    if (!isExecutable(given))
      throw new Error(`TEMPORAL_TEST_SERVER is ${given}: no such executable. Set it right, or unset it.`);
    say(`Time-skipping server: using TEMPORAL_TEST_SERVER (${given})`);
    return given;
  }
  if (isExecutable(cached)) return cached;

  const lock = await lockFile(`${directory}.lock`, `process ${process.pid}`, (holder) =>
    say(`Time-skipping server: waiting for ${holder}, which is getting it`),
  );
  try {
    const fromCache = (): Found =>
      isExecutable(cached) ? { ok: true, path: cached } : { ok: false, why: `nothing at ${cached}` };
    return await takeFirstSource(
      'Time-skipping server',
      [
        { name: 'the cache', get: async () => fromCache() },
        { name: "the SDK's download", get: () => downloadThroughSdk('test-server', `v${VERSION}`, cached, say) },
        { name: 'Maven Central', get: () => fetchJars(cached, say) },
      ],
      say,
    );
  } finally {
    lock.release();
  }
}

async function fetchJars(target: string, say: (line: string) => void): Promise<Found> {
  const lib = join(dirname(target), 'lib');
  const incoming = mkdtempSync(`${lib}.incoming-`);
  try {
    say(`Time-skipping server: fetching io.temporal:temporal-test-server:${VERSION} from Maven Central`);
    const java = await runCommand('java', ['-version'], { timeoutMs: 20_000 });
    if (!java.ok) return { ok: false, why: `it needs Java 11 or later (${java.why})` };
    const pom = packageFile('tools', 'temporal-test-server', 'pom.xml');
    const result = await runCommand(
      'mvn',
      ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${incoming}`],
      { timeoutMs: MAVEN_TIMEOUT_MS, onProgress: (_, ms) => say(`still fetching (${Math.round(ms / 1000)} s)`) },
    );
    if (!result.ok) return { ok: false, why: result.why };
    rmSync(lib, { recursive: true, force: true });
    renameSync(incoming, lib);
    const script = `#!/bin/sh\nexec java -XX:TieredStopAtLevel=1 -cp "${lib}/*" io.temporal.testserver.TestServer "$@"\n`;
    writeFileSync(`${target}.incoming`, script);
    chmodSync(`${target}.incoming`, 0o755);
    renameSync(`${target}.incoming`, target);
    return { ok: true, path: target };
  } finally {
    rmSync(incoming, { recursive: true, force: true });
  }
}
