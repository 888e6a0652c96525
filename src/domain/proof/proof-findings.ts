/** What can be wrong with a proof file. Nothing found means that it proves what it shows. */
export const PROOF_FINDINGS = {
  malformed: 'The file is not a Holdpoint proof',
  checkpoint_unverified: 'No trusted key signed the checkpoint',
  entry_not_included: 'An entry is not in the log of the checkpoint',
  foreign_entry: 'An entry belongs to another review or deployment',
  foreign_material: 'A digest input belongs to another review or deployment, or its revision is there twice',
  envelope_unverified: 'No key trusted for its kind signed an envelope',
  foreign_envelope: 'An envelope belongs to another review or deployment',
  envelope_missing: 'An entry names an envelope that is not in the file',
  entry_contradicts_envelope: 'An entry says something else than the envelope it names',
  digest_unknown: 'A decision is about something that the file does not show',
  order_broken: 'The entries cannot have happened in this order',
  quorum_missing: 'The call was started without the yeses it needed',
  denied_but_started: 'The call was started although somebody had said no',
  started_unknown: 'What was started is not what the file shows',
  reclassified_free: 'An irreversible or forbidden call ran without asking',
  proof_incomplete: 'Entries of the review are missing from the file',
  completeness_unknown:
    'Nothing shows whether entries were cut off: no statement of the execute worker says how many there are',
  statement_unverified: 'No trusted execute key signed the statement of completeness',
  foreign_statement: 'The statement of completeness is about another review, deployment or history',
  statement_too_old: 'The statement of completeness is older than asked for',
  erased: 'Retention has erased what the decisions were about',
} as const;
type ProofFindingCode = keyof typeof PROOF_FINDINGS;

export interface ProofFinding {
  readonly code: ProofFindingCode;
  /** Audit index of the entry concerned, where there is one. */
  readonly index?: number;
}
