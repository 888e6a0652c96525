/**
 * Processes of a deployment, by what they run: the api for agents, for reviewers or for both; the gate worker, the execute
 * worker or both in one; `all` in one (`npm start`).
 */
export const PART_NAMES = ['api-propose', 'api-review', 'api', 'gate', 'execute', 'worker', 'all'] as const;
export type PartName = (typeof PART_NAMES)[number];

/** One process. */
export interface Part {
  readonly name: PartName;
  /** Differs between processes, also of one machine and one name: `<host>-<8 hex digits>`. */
  readonly instance: string;
  /** Of Holdpoint, as package.json has it. */
  readonly version: string;
}
