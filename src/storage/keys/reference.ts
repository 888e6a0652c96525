import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { KeyError } from './key-files.ts';

/**
 * The value that a reference of the configuration stands for: `env:NAME`, or `file:PATH` relative to the configuration
 * file, without the line break at its end. Throws `reference_missing`; `placeOf` (`holdpoint.yaml:12:5`) says where the
 * reference stands, and is asked only then.
 */
export function resolveReference(
  reference: string,
  baseDirectory: string,
  env: Readonly<Record<string, string | undefined>>,
  placeOf: () => string | undefined = () => undefined,
): string {
  const missing = (message: string): KeyError => {
    const place = placeOf();
    return new KeyError('reference_missing', place === undefined ? message : `${place}: ${message}`);
  };
  if (reference.startsWith('env:')) {
    const name = reference.slice('env:'.length);
    const value = env[name];
    if (value !== undefined && value !== '') return value;
    throw missing(
      `the environment variable ${name} is not set. Set it for this process, or change the reference ${reference}.`,
    );
  }
  if (!reference.startsWith('file:')) {
    throw missing('this is not a reference. Write env:NAME or file:PATH.');
  }
  const path = resolve(baseDirectory, reference.slice('file:'.length));
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : 'cannot be read';
    throw missing(`the file ${path} ${why}. Create it, or change the reference ${reference}.`);
  }
}
