import { SEARCH_ATTRIBUTES } from '../compose/search-attributes.ts';

export interface TemporalServerSettings {
  /** Absolute path of the SQLite file; null keeps everything in memory. */
  readonly databaseFile: string | null;
  readonly port: number;
  /** Null: no Web UI. */
  readonly uiPort: number | null;
}

/**
 * Measured: as it comes, the dev server polls its queues at a low rate (start → signal → result takes 150 ms) and its
 * SQLite file syncs on every commit; with these the same takes 14 ms. Keys: server 1.31.2, common/dynamicconfig.
 */
const DYNAMIC_CONFIG = {
  'history.transferProcessorMaxPollRPS': 2000,
  'history.timerProcessorMaxPollRPS': 2000,
  // The default of 1 makes the second of two queries on one workflow wait for seconds.
  'history.MaxBufferedQueryCount': 100,
  'system.enableActivityEagerExecution': true,
  'matching.numTaskqueueReadPartitions': 1,
  'matching.numTaskqueueWritePartitions': 1,
} as const;

const PRAGMAS = { journal_mode: 'wal', synchronous: 'normal' } as const;

/** Command line of the embedded server. Only loopback: it has no authentication. */
export function temporalArguments(settings: TemporalServerSettings): readonly string[] {
  const { databaseFile, port, uiPort } = settings;
  return [
    'server',
    'start-dev',
    '--ip=127.0.0.1',
    `--port=${port}`,
    '--log-level=error',
    ...(uiPort === null ? ['--headless'] : [`--ui-port=${uiPort}`]),
    ...(databaseFile === null ? [] : ['--db-filename', databaseFile]),
    ...(databaseFile === null ? [] : Object.entries(PRAGMAS).flatMap(([k, v]) => ['--sqlite-pragma', `${k}=${v}`])),
    ...Object.entries(DYNAMIC_CONFIG).flatMap(([key, value]) => ['--dynamic-config-value', `${key}=${value}`]),
    ...SEARCH_ATTRIBUTES.flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
  ];
}

/** Whether a command line is a dev server on this database file. */
export function servesDatabase(argv: readonly string[], databaseFile: string): boolean {
  return argv.includes('start-dev') && argv[argv.indexOf('--db-filename') + 1] === databaseFile;
}
