import { describe, expect, it } from 'vitest';
import { readTemporalTarget } from '../../src/cli/compose/temporal-target.ts';
import { readEnvironment } from '../../src/cli/compose/environment.ts';
import { run } from '../../src/cli/commands/run.ts';
import { readProxy } from '../../src/domain/proxy.ts';
import { EXIT } from '../../src/cli/ui/exit.ts';
import { capture } from './cli-io.ts';

const PROXY = 'http://proxy.example.com:3128';
const isProxied = (url: string, exempt?: string): boolean => readProxy(PROXY, exempt)(new URL(url)) !== undefined;

describe('NO_PROXY', () => {
  it.each([
    ['*', 'https://api.example.com'],
    ['api.example.com', 'https://api.example.com'],
    ['example.com', 'https://api.example.com'],
    ['.example.com', 'https://api.example.com'],
    ['*.example.com', 'https://api.example.com'],
    ['EXAMPLE.com', 'https://API.example.com.'],
    ['example.org, example.com', 'https://example.com'],
    ['example.org example.com', 'https://example.com'],
    ['example.com:443', 'https://example.com'],
    ['example.com:8443', 'https://example.com:8443'],
    ['10.0.0.7', 'https://10.0.0.7'],
    ['10.0.0.0/8', 'https://10.2.3.4:9443'],
    ['fd00::/8', 'https://[fd12::1]'],
    ['::1', 'https://[::1]:8443'],
    ['[::1]:8443', 'https://[::1]:8443'],
    ['localhost', 'https://localhost:8443'],
  ])('%s exempts %s', (exempt, url) => {
    expect(isProxied(url, exempt)).toBe(false);
  });

  it.each([
    [undefined, 'https://api.example.com'],
    ['', 'https://localhost'],
    ['example.com', 'https://notexample.com'],
    ['api.example.com', 'https://example.com'],
    ['example.com:8443', 'https://example.com'],
    ['10.0.0.0/8', 'https://11.0.0.1'],
    ['10.0.0.0/8', 'https://ten.example.com'],
    ['.', 'https://api.example.com'],
    [',', 'https://api.example.com'],
  ])('%s does not exempt %s', (exempt, url) => {
    expect(isProxied(url, exempt)).toBe(true);
  });

  it('plain http never goes through it', () => {
    expect(isProxied('http://api.example.com')).toBe(false);
  });
});

describe('HTTPS_PROXY', () => {
  it.each(['socks5://proxy.example.com', 'http://', 'two words'])('%s stops a start, in words', async (text) => {
    expect(() => readEnvironment({ HTTPS_PROXY: text })).toThrow(/HTTPS_PROXY is malformed.*http:\/\//);
    const captured = capture({ env: { HTTPS_PROXY: text } });
    expect(await run(['policy', 'check', '--json'], captured.streams, new AbortController().signal)).toBe(
      EXIT.configInvalid,
    );
    expect(captured.stdout()).toContain('HTTPS_PROXY');
  });

  it('the lower-case name comes first, and an empty one is none', () => {
    const { proxy } = readEnvironment({
      https_proxy: 'http://a.test:1',
      HTTPS_PROXY: 'http://b.test:1',
      NO_PROXY: 'c.test',
    });
    expect(proxy(new URL('https://x.test'))?.host).toBe('a.test:1');
    expect(proxy(new URL('https://c.test'))).toBeUndefined();
    expect(readEnvironment({ HTTPS_PROXY: 'b.test:3128' }).proxy(new URL('https://x.test'))?.origin).toBe(
      'http://b.test:3128',
    );
    expect(readEnvironment({ HTTPS_PROXY: '' }).proxy(new URL('https://x.test'))).toBeUndefined();
  });

  it('a collector of traces with TLS is refused behind it, unless it is exempt', () => {
    const traced = { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://otel.example.com', HTTPS_PROXY: PROXY };
    expect(() => readEnvironment(traced)).toThrow(/HTTPS_PROXY.*Add otel\.example\.com to NO_PROXY/);
    expect(readEnvironment({ ...traced, NO_PROXY: 'example.com' }).tracesUrl).toContain('otel.example.com');
    const plain = { ...traced, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
    expect(readEnvironment(plain).tracesUrl).toContain('collector');
  });

  it('Temporal with TLS is refused behind it, unless it is exempt', () => {
    const cloud = { TEMPORAL_ADDRESS: 'a.tmprl.cloud:7233', TEMPORAL_API_KEY: 'key', HTTPS_PROXY: PROXY };
    expect(() => readTemporalTarget(cloud)).toThrow(/HTTPS_PROXY.*Add a\.tmprl\.cloud to NO_PROXY/);
    expect(readTemporalTarget({ ...cloud, NO_PROXY: 'tmprl.cloud' }).connectionOptions.address).toBe(
      cloud.TEMPORAL_ADDRESS,
    );
    const { TEMPORAL_API_KEY: _, ...plain } = cloud;
    expect(readTemporalTarget(plain).connectionOptions.address).toBe(cloud.TEMPORAL_ADDRESS);
  });
});
