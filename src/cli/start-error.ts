/** Why Holdpoint does not start. Stable: scripts may look at it. */
export type StartErrorCode =
  | 'setting_invalid'
  | 'config_missing'
  | 'data_dir_locked'
  | 'data_dir_unusable'
  | 'port_in_use'
  | 'temporal_missing'
  | 'temporal_unavailable'
  | 'temporal_changed'
  | 'database_unavailable'
  | 'not_built';

/** Holdpoint cannot start. The message is for the operator: what is wrong and what to change. */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly code: StartErrorCode;
  constructor(code: StartErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
