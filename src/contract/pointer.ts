/** One step of a JSON Pointer (RFC 6901): `/key`, escaped. */
export function pointerStep(key: string): string {
  return `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
