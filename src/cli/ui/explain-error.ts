import { HoldpointError, type HoldpointErrorCode } from '../../client/index.ts';
import { StartError, type StartErrorCode } from '../start-error.ts';
import { CliError, type ExitName } from './exit.ts';

export interface ErrorReport {
  readonly exit: ExitName;
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

/** What went wrong and what to do. Unknown errors show their message: this is the operator's own machine. */
export function explainError(error: unknown, url?: string): ErrorReport {
  if (error instanceof CliError)
    return { exit: error.exit, code: error.code, message: error.message, ...hint(error.hint) };
  if (error instanceof HoldpointError) return explainRemote(error, url);
  if (error instanceof StartError) return { exit: START_EXIT[error.code], code: error.code, message: error.message };
  return explainOther(error);
}

const OTHER_EXIT: Readonly<Record<string, ExitName>> = {
  database_unavailable: 'unavailable',
  key_missing: 'configInvalid',
  key_invalid: 'configInvalid',
  key_insecure: 'configInvalid',
  key_not_trusted: 'configInvalid',
  trust_missing: 'configInvalid',
  trust_invalid: 'configInvalid',
  reference_missing: 'configInvalid',
  sealed_not_allowed: 'refused',
};

/** Errors of other parts (`KeyError`, `StorageError`, `ProblemError` …) carry a code and a message for the operator. */
function explainOther(error: unknown): ErrorReport {
  if (!(error instanceof Error)) return { exit: 'failed', code: 'failed', message: String(error) };
  if (error.name === 'InvalidFilesError')
    return { exit: 'configInvalid', code: 'files_invalid', message: error.message };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'failed';
  return { exit: OTHER_EXIT[code] ?? 'failed', code, message: error.message };
}

const START_EXIT: Readonly<Record<StartErrorCode, ExitName>> = {
  setting_invalid: 'configInvalid',
  config_missing: 'configInvalid',
  data_dir_locked: 'refused',
  data_dir_unusable: 'configInvalid',
  port_in_use: 'unavailable',
  temporal_missing: 'unavailable',
  temporal_unavailable: 'unavailable',
  temporal_changed: 'refused',
  database_unavailable: 'unavailable',
  not_built: 'configInvalid',
};

const HINTS: Partial<Record<HoldpointErrorCode, string>> = {
  unauthenticated:
    'Pass --token or set HOLDPOINT_TOKEN. `holdpoint keys create reviewer <id>` creates one; add its hash to the config file.',
  forbidden: 'Agents propose, reviewers decide, auditors read: use a credential of the right kind.',
  not_an_approver: '`holdpoint review show <id>` shows whose decision is needed.',
  not_an_operator: '`operators` in holdpoint.yaml names reviewers or groups.',
  second_person_required: 'Ask another operator to run `holdpoint freeze lift <id> --why "…"`.',
  already_lifted: '`holdpoint freeze list` shows what stands.',
  self_approval: 'Another person must decide: not the proposer, its owner, or someone who has already voted.',
  not_found: 'Check the id. An agent only sees its own reviews.',
  already_voted: 'Your vote counts. `holdpoint review show <id>` shows which votes are missing.',
  digest_mismatch: 'It has been edited or revised since. Look at it again and decide on the current version.',
  edit_invalid: 'The arguments do not match the tool; `holdpoint policy explain` shows what is wrong.',
  repeat_not_confirmed:
    '`holdpoint review show <id>` names the other reviews of the same call. To make it again, name them with --repeats.',
  comment_required: 'Add --comment "…".',
  decision_not_allowed: '`holdpoint review show <id>` lists the decisions this review allows.',
  not_reconcilable: 'Only `outcome_unknown` can be settled, and only once its request can no longer be in flight.',
  temporal_unavailable: 'Nothing was done. `holdpoint doctor` shows what is down.',
  worker_unavailable: 'Start a worker: `holdpoint worker --role all`.',
  database_unavailable: 'Nothing was done. `holdpoint doctor` shows what is down.',
  connection_failed: 'Is it running? `npm start` starts it here; --url or HOLDPOINT_URL selects another one.',
  unreadable_answer: 'Something other than Holdpoint answers there. Check --url or HOLDPOINT_URL.',
};

function explainRemote(error: HoldpointError, url: string | undefined): ErrorReport {
  const message =
    error.code === 'connection_failed' && url !== undefined
      ? `Nothing answers at ${url}.`
      : error.message.replace(`${error.code}: `, '');
  return { exit: exitOf(error), code: error.code, message, ...hint(HINTS[error.code]) };
}

function exitOf(error: HoldpointError): ExitName {
  if (error.code === 'not_configured') return 'usage';
  if (error.code === 'local_timeout') return 'waiting';
  if (error.code === 'unreadable_answer') return 'unavailable';
  if (error.status === 401) return 'notSignedIn';
  if (error.status === 404) return 'notFound';
  if (error.status === 0 || error.status === 429 || error.status === 503) return 'unavailable';
  if (error.status >= 400 && error.status < 500) return 'refused';
  return 'failed';
}

function hint(text: string | undefined): { readonly hint?: string } {
  return text === undefined ? {} : { hint: text };
}
