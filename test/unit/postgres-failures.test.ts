import { describe, expect, it } from 'vitest';
import { commitFailureOf, failureOf } from '../../src/connectors/postgres/answer.ts';
import { DriverError, type DriverErrorKind } from '../../src/connectors/postgres/driver.ts';

const error = (kind: DriverErrorKind, sqlState: string | null = null) => new DriverError(kind, 'a sentence', sqlState);

describe('an error before COMMIT was sent', () => {
  it.each([
    ['a deadlock', error('refused', '40P01')],
    ['a serialization failure', error('refused', '40001')],
    ['a lock that could not be had', error('refused', '55P03')],
    ['too many connections', error('refused', '53300')],
    ['a server that shuts down', error('lost', '57P01')],
    ['a connection that broke', error('lost')],
    ['no connection at all', error('unreachable')],
  ])('%s passes, and nothing ran', (_, found) => {
    expect(failureOf(found)).toMatchObject({ status: 'failed', isDeferrable: true });
  });

  it.each([
    ['a duplicate key', error('refused', '23505')],
    ['a syntax error', error('refused', '42601')],
    ['a statement that took too long', error('refused', '57014')],
    ['an answer that is too large', error('too_large')],
    ['something else', new Error('x')],
  ])('%s would come again', (_, found) => {
    expect(failureOf(found).status).toBe('failed');
    expect(failureOf(found)).not.toHaveProperty('isDeferrable');
  });
});

describe('an error of COMMIT itself', () => {
  it('is never a deferral: refused it is a failure, otherwise nobody knows', () => {
    expect(commitFailureOf(error('refused', '40001'))).toMatchObject({ status: 'failed', code: 'statement_failed' });
    expect(commitFailureOf(error('refused', '40001'))).not.toHaveProperty('isDeferrable');
    for (const kind of ['lost', 'unreachable', 'too_large'] as const) {
      expect(commitFailureOf(error(kind))).toMatchObject({ status: 'outcome_unknown' });
    }
  });
});
