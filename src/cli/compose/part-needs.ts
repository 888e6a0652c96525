import type { KeyRole } from '../../contract/envelope.ts';
import type { PartName } from '../../contract/part.ts';
import type { Role } from '../../storage/database/roles.ts';
import type { ReferencePart } from './check-references.ts';

/** What a process needs, and holds nothing else of. */
export interface PartNeeds {
  readonly database: readonly Role[];
  readonly keys: readonly KeyRole[];
  /** Keys that it works without. */
  readonly mayHave: readonly KeyRole[];
  /** Whose references of the configuration it resolves. */
  readonly references: readonly ReferencePart[];
}

/** A part that runs apart from the others. */
export type ApartName = Exclude<PartName, 'all'>;

/**
 * By the command that runs the part: `api --role propose`, `worker --role gate`; `api` and `worker` with the role `all`. The
 * gate worker signs nothing of the record: its mail key signs the links in mails (without it, mails ask people to sign in), its
 * callback key what is sent to agents.
 */
export const PART_NEEDS: Readonly<Record<ApartName, PartNeeds>> = {
  'api-propose': { database: ['api'], keys: ['propose'], mayHave: [], references: [] },
  'api-review': { database: ['review'], keys: ['review'], mayHave: [], references: ['api'] },
  api: { database: ['review'], keys: ['propose', 'review'], mayHave: [], references: ['api'] },
  gate: { database: ['gate'], keys: [], mayHave: ['mail', 'callback'], references: ['gate worker'] },
  execute: { database: ['execute'], keys: ['execute', 'seal'], mayHave: [], references: ['execute worker'] },
  worker: {
    database: ['gate', 'execute'],
    keys: ['execute', 'seal'],
    mayHave: ['mail', 'callback'],
    references: ['gate worker', 'execute worker'],
  },
};
