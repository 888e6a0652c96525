import { existsSync } from 'node:fs';
import { formatProblem } from '../../../domain/files/problem.ts';
import { KEY_ROLES } from '../../../contract/envelope.ts';
import { KeyError, loadKeys } from '../../../storage/keys/index.ts';
import { privateKeyPath } from '../../../storage/keys/private-key.ts';
import { CliError } from '../../ui/exit.ts';
import type { Io } from '../../ui/io.ts';
import { keysDirOf } from '../audit/trust.ts';
import { checkFiles } from '../policy/files.ts';
import { fail, ok, skipped, warn, type Finding } from './finding.ts';

/** Config and policy, as a start would read them. */
export function checkConfig(io: Io): Finding {
  const check = 'config and policy';
  try {
    const { result, config, policy } = checkFiles(io, {});
    const names = `${config.name} and ${policy?.name ?? 'its policy'}`;
    if (!result.ok) return fail(check, result.problems.map(formatProblem).join('\n'), 'See `holdpoint policy check`.');
    return result.warnings.length === 0
      ? ok(check, `${names} are valid`)
      : warn(check, result.warnings.map(formatProblem).join('\n'), 'See `holdpoint policy check`.');
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    const named = (io.env.HOLDPOINT_CONFIG ?? '') !== '';
    return named
      ? fail(check, error.message, error.hint ?? 'Check HOLDPOINT_CONFIG.')
      : skipped(check, 'no holdpoint.yaml: `npm start` runs the demo');
  }
}

/** Keys: present, private, and trusted. Which of them this machine should hold is the operator's to know. */
export function checkKeys(io: Io): Finding[] {
  const directory = keysDirOf(io);
  if (!existsSync(directory))
    return [skipped('keys', `${directory} is not there yet; a start, or \`holdpoint keys init\`, makes it`)];
  const present = KEY_ROLES.filter((role) => existsSync(privateKeyPath(directory, role)));
  const findings = present.map((role) =>
    tryKeys(`${role} key`, () => void loadKeys(directory, [role]), 'usable and trusted'),
  );
  const trust = tryKeys('trusted keys', () => void loadKeys(directory, []), directory);
  const absent = KEY_ROLES.filter((role) => !present.includes(role));
  const note = absent.length === 0 ? [] : [skipped('other keys', `not on this machine: ${absent.join(', ')}`)];
  return [trust, ...findings, ...note];
}

function tryKeys(check: string, load: () => void, message: string): Finding {
  try {
    load();
    return ok(check, message);
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    return fail(check, error.message, 'See the message; `holdpoint keys show` lists what is trusted.');
  }
}
