import { findInexact } from '../contract/exact.ts';
import { localError } from './errors.ts';

/** JSON text of what is sent. Throws `arguments_invalid` where JSON cannot carry the arguments in it as they are. */
export function encodeJson(body: unknown): string {
  const { arguments: args, calls } = (body ?? {}) as { readonly arguments?: unknown; readonly calls?: unknown };
  refuseInexact(args);
  if (Array.isArray(calls)) {
    for (const [index, call] of calls.entries()) {
      refuseInexact((call as { readonly arguments?: unknown } | null)?.arguments, `/calls/${index}/arguments`);
    }
  }
  return JSON.stringify(body);
}

/** `at`: what stands before the pointers of its errors, which otherwise count from the arguments on, as in answers. */
export function refuseInexact(args: unknown, at = ''): void {
  const errors = args === undefined ? [] : findInexact(args);
  if (errors.length === 0) return;
  const placed = errors.map(({ pointer, message }) => ({ pointer: at + pointer, message }));
  const detail = placed.map(({ pointer, message }) => `${pointer} ${message}`).join('; ');
  throw localError('arguments_invalid', detail, { errors: placed });
}
