import { readFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { watch, type FSWatcher } from 'chokidar';
import { loadSettings, type SettingsInput, type TextFile } from './load-settings.ts';
import { formatProblem, InvalidFilesError, type FileProblem } from '../domain/files/problem.ts';
import { placeOf, type YamlSource } from '../domain/files/yaml-source.ts';
import type { PolicyInForce } from '../contract/api.ts';
import type { Settings } from '../domain/policy/settings.ts';

export interface SettingsFiles {
  /** The configuration file; its `policy` is relative to it. */
  readonly configFile: string;
  /** Built-in catalogs by the name that `include` gives. */
  readonly catalogs: SettingsInput['catalogs'];
  /** Counts where the configuration names none. */
  readonly deploymentId: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Value of a reference relative to a directory; throws where there is none, naming the place that `placeOf` gives. */
  readonly resolveReference: (
    reference: string,
    baseDirectory: string,
    env: Readonly<Record<string, string | undefined>>,
    placeOf: () => string | undefined,
  ) => string;
  /** Absent: a start with broken files fails. */
  readonly kept?: KeptFiles;
}

/** The two files as they were read. */
export interface FilesInForce {
  readonly config: TextFile;
  readonly policy: TextFile;
}

/** A copy of the files that were last in force, for a start with broken ones. */
export interface KeptFiles {
  readonly path: string;
  /** Undefined: there is none, or it is damaged. */
  read(): FilesInForce | undefined;
  write(files: FilesInForce): void;
}

type SettingsListener = (settings: Settings, before: Settings) => void;

/** The two files in force, followed while the process runs. */
export interface FileSettingsSource {
  current(): Settings;
  /** Why the files on disk are not the ones in force; null when they are. */
  problem(): string | null;
  filesInForce(): FilesInForce;
  /** Why, since the start, a kept copy is in force; null: files on disk are. */
  kept(): { readonly path: string; readonly because: InvalidFilesError } | null;
  /** Things in the files in force that are probably not meant. */
  warnings(): readonly FileProblem[];
  /** The policy file in force, for people to read. */
  policyInForce(): PolicyInForce;
  /** Called after every change that took effect. Returns how to stop. */
  onChange(listener: SettingsListener): () => void;
  /** Called after every attempt to read changed files, with the problem or null. Returns how to stop. */
  onProblem(listener: (problem: string | null) => void): () => void;
  /**
   * Value of an `env:` or `file:` reference; throws `KeyError` `reference_missing`, which names its place. Looked up once
   * per look at the files, whatever came of it: unsigned requests, and every delivery, ask for one.
   */
  resolve(reference: string): string;
  /** Reads both files now. */
  reload(): void;
  /** Begins to watch; resolves once changes are seen. */
  watch(): Promise<void>;
  close(): Promise<void>;
}

/** Editors write in several steps and rename: the files are read this long after the first. */
const SETTLE_MS = 100;
/** Some mounts report no changes at all; two small files are cheap to look at. */
const POLL_MS = 5_000;

/**
 * Loads the configuration and the policy it names. With a broken file, what was kept is put in force; throws
 * {@link InvalidFilesError} with everything that is wrong where nothing was, or it is not valid any more. Later a broken file
 * keeps what was in force. `problem()` says why.
 */
export function openSettings(files: SettingsFiles): FileSettingsSource {
  return new WatchedSettings(files);
}

interface Loaded extends FilesInForce {
  readonly settings: Settings;
  readonly warnings: readonly FileProblem[];
  readonly source: YamlSource;
  readonly loadedAt: string;
}
/** One look at the files. `seen` is all that was found: the same again is no change. */
interface Look {
  readonly seen: string;
  readonly outcome: Loaded | InvalidFilesError;
}

class WatchedSettings implements FileSettingsSource {
  readonly #files: SettingsFiles;
  readonly #configFile: string;
  readonly #changed = new Set<SettingsListener>();
  readonly #judged = new Set<(problem: string | null) => void>();
  #loaded: Loaded;
  #references = new Map<string, { readonly value: string } | { readonly error: unknown }>();
  #seen: string;
  #policyFile: string | undefined;
  #problem: string | null = null;
  #kept: { readonly path: string; readonly because: InvalidFilesError } | null = null;
  #watcher: FSWatcher | undefined;
  #settling: NodeJS.Timeout | undefined;
  #polling: NodeJS.Timeout | undefined;

  constructor(files: SettingsFiles) {
    this.#files = files;
    this.#configFile = resolve(files.configFile);
    const { seen, outcome } = this.#look();
    this.#seen = seen;
    if (outcome instanceof InvalidFilesError) {
      this.#loaded = this.#loadKept(outcome);
      this.#problem = outcome.message;
    } else {
      this.#loaded = outcome;
      files.kept?.write({ config: outcome.config, policy: outcome.policy });
    }
  }

  current(): Settings {
    return this.#loaded.settings;
  }

  problem(): string | null {
    return this.#problem;
  }

  filesInForce(): FilesInForce {
    const { config, policy } = this.#loaded;
    return { config, policy };
  }

  kept(): { readonly path: string; readonly because: InvalidFilesError } | null {
    return this.#kept;
  }

  warnings(): readonly FileProblem[] {
    return this.#loaded.warnings;
  }

  policyInForce(): PolicyInForce {
    const { settings, warnings, policy, loadedAt } = this.#loaded;
    return {
      name: basename(policy.name),
      text: policy.text,
      digest: settings.policy.digest,
      loadedAt,
      warnings: warnings.map((warning) => ({ ...warning, file: basename(warning.file) })),
      problem: this.#problem,
    };
  }

  onChange(listener: SettingsListener): () => void {
    this.#changed.add(listener);
    return () => this.#changed.delete(listener);
  }

  onProblem(listener: (problem: string | null) => void): () => void {
    this.#judged.add(listener);
    return () => this.#judged.delete(listener);
  }

  resolve(reference: string): string {
    const found = this.#references.get(reference) ?? this.#lookUp(reference);
    this.#references.set(reference, found);
    if ('error' in found) throw found.error;
    return found.value;
  }

  #lookUp(reference: string): { readonly value: string } | { readonly error: unknown } {
    const place = (): string | undefined => placeOf(this.#loaded.source, reference);
    try {
      return { value: this.#files.resolveReference(reference, dirname(this.#configFile), this.#files.env, place) };
    } catch (error) {
      return { error };
    }
  }

  reload(): void {
    // A secret may have been replaced in its file.
    this.#references.clear();
    if (this.#isUnchanged()) return;
    const { seen, outcome } = this.#look();
    if (seen === this.#seen) return;
    this.#seen = seen;
    // A new configuration may name a policy elsewhere.
    this.#watcher?.add(this.#directories());
    if (outcome instanceof InvalidFilesError) {
      this.#problem = outcome.problems.map(formatProblem).join('\n');
      for (const listener of this.#judged) listener(this.#problem);
      return;
    }
    const before = this.#loaded.settings;
    this.#loaded = outcome;
    this.#problem = null;
    this.#kept = null;
    this.#files.kept?.write({ config: outcome.config, policy: outcome.policy });
    for (const listener of this.#judged) listener(null);
    for (const listener of this.#changed) listener(outcome.settings, before);
  }

  async watch(): Promise<void> {
    if (this.#watcher !== undefined) return;
    // The directories, not the files: a file that is replaced (an editor's rename, a link of Kubernetes that is swapped)
    // is another file, and a watch on the old one would stay silent.
    const watcher = watch(this.#directories(), { ignoreInitial: true, depth: 0 });
    this.#watcher = watcher;
    watcher.on('all', (_event, path) => this.#schedule(path));
    watcher.on('error', () => undefined); // Polling goes on.
    this.#polling = setInterval(() => this.reload(), POLL_MS).unref();
    await new Promise<void>((ready) => watcher.once('ready', ready));
    this.reload();
  }

  async close(): Promise<void> {
    clearTimeout(this.#settling);
    clearInterval(this.#polling);
    await this.#watcher?.close();
    this.#watcher = undefined;
  }

  /** Other files of the directory (a database, say) may change all the time. */
  #schedule(path: string): void {
    const ours = [this.#configFile, this.#policyFile].includes(resolve(path)) || basename(path).startsWith('..');
    if (!ours || this.#settling !== undefined) return;
    this.#settling = setTimeout(() => {
      this.#settling = undefined;
      this.reload();
    }, SETTLE_MS).unref();
  }

  #directories(): string[] {
    const files = [this.#configFile, ...(this.#policyFile === undefined ? [] : [this.#policyFile])];
    return [...new Set(files.map((file) => dirname(file)))];
  }

  /** Polling compares bytes: parsing and compiling every few seconds would cost more than all else that idles. */
  #isUnchanged(): boolean {
    try {
      const texts = [this.#configFile, this.#policyFile].map((file) =>
        file === undefined ? undefined : readFileSync(file, 'utf8'),
      );
      return JSON.stringify(texts) === this.#seen;
    } catch {
      return false;
    }
  }

  #look(): Look {
    const { configFile } = this.#files;
    let seen = '';
    try {
      const configFix = 'Create it, or set HOLDPOINT_CONFIG to another file';
      const config = readTextFile(this.#configFile, configFile, configFix);
      seen = JSON.stringify([config.text]);
      const readPolicy = (named: string): TextFile => {
        this.#policyFile = resolve(dirname(this.#configFile), named);
        const policyFix = `Create it, or correct policy: in ${configFile}`;
        const name = isAbsolute(named) ? named : join(dirname(configFile), named);
        const policy = readTextFile(this.#policyFile, name, policyFix);
        seen = JSON.stringify([config.text, policy.text]);
        return policy;
      };
      const outcome = this.#load(config, readPolicy);
      return { seen, outcome };
    } catch (error) {
      if (error instanceof InvalidFilesError) return { seen: `${seen} ${error.message}`, outcome: error };
      throw error;
    }
  }

  #load(config: TextFile, policyOf: TextFile | ((named: string) => TextFile)): Loaded | InvalidFilesError {
    const { catalogs, deploymentId } = this.#files;
    const result = loadSettings({ config, policy: policyOf, catalogs, deploymentId });
    if (!result.ok) return new InvalidFilesError(result.problems);
    const { settings, warnings, source, policy } = result;
    return { settings, warnings, source, config, policy, loadedAt: new Date().toISOString() };
  }

  /** Throws `because`, and more, where there is nothing good to go on with. */
  #loadKept(because: InvalidFilesError): Loaded {
    const { kept } = this.#files;
    const files = kept?.read();
    if (kept === undefined || files === undefined) throw because;
    const { path } = kept;
    const loaded = this.#load(files.config, files.policy);
    if (loaded instanceof InvalidFilesError) {
      const message = 'this copy of the last good files is not valid in this version of Holdpoint';
      const fix = 'Correct the files above';
      throw new InvalidFilesError([...because.problems, { file: path, line: 1, column: 1, message, fix }]);
    }
    this.#kept = { path, because };
    return loaded;
  }
}

function readTextFile(path: string, name: string, fix: string): TextFile {
  try {
    return { name, text: readFileSync(path, 'utf8') };
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : 'cannot be read';
    throw new InvalidFilesError([{ file: name, line: 1, column: 1, message: `the file ${path} ${why}`, fix }]);
  }
}
