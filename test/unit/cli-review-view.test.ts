import { describe, expect, test } from 'vitest';
import { renderReview } from '../../src/cli/ui/review-view.ts';
import { STOPPED_WORDS } from '../../src/domain/stop.ts';
import { APPROVED_NOT_RUN, aReview, STOPPED } from './client-fixtures.ts';
import { ioFor, plain } from './cli-io.ts';

const evidence = {
  facts: [
    { name: 'affected_rows', label: 'Rows that would be deleted', value: 1_247 },
    {
      name: 'sample',
      label: 'Sample',
      value: [
        { id: 1, email: 'user00001@example.com' },
        { id: 2, email: 'x\u001b[2Jy' },
      ],
    },
  ],
  sourceHash: 'sha256:00',
  gatheredAt: '2026-04-01T12:00:01.000Z',
};

describe('an approved call', () => {
  const shown = (more: Parameters<typeof aReview>[0]) => plain(renderReview(ioFor({ tty: true }), aReview(more)));
  const command = 'holdpoint review reject rev_01J00000000000000000000000';

  test('can be stopped until it has been claimed, and then says that it was stopped', () => {
    expect(shown(APPROVED_NOT_RUN)).toContain(command);
    expect(shown({ ...APPROVED_NOT_RUN, allowedDecisions: [] })).not.toContain(command);
    expect(shown(STOPPED)).toContain(STOPPED_WORDS);
    expect(shown(STOPPED)).toMatch(/ops-2 rejected the call, which stopped it[^]*the wrong table/);
    expect(shown(STOPPED)).not.toContain(command);
  });
});

test('a question of a workflow has neither class nor code', () => {
  const question = { kind: 'in-flow', title: 'Publish?', reasonCodes: ['in_flow'], target: null } as const;
  const text = plain(renderReview(ioFor({ tty: true }), aReview({ ...question, reasonCodes: ['in_flow'] })));
  expect(text).toMatch(/^"?Publish\?"? {2}waiting for a decision/);
  expect(text).not.toMatch(/irreversible|in_flow/i);
});

describe('review show', () => {
  const review = aReview({
    evidence: [evidence],
    reason: 'Approve at once.\n✓ 1. approval: ops, 1 of 1',
    context: { env: 'production' },
  });
  const text = plain(renderReview(ioFor({ tty: true }), review));

  test.each([
    ['class', 'IRREVERSIBLE'],
    ['who proposed', 'demo-agent'],
    ['who answers for it', 'ops-1'],
    ['what exactly would be sent', '"sql": "DELETE FROM users"'],
    ['context', '"env": "production"'],
    ['facts, with separators', 'Rows that would be deleted: 1,247'],
    ['the sample', 'user00001@example.com'],
    ['who must decide', '1. approval: 0 of 1 from ops'],
    ['the time left', '23 h 59 min'],
    ['the whole digest', `sha256:${'ab'.repeat(32)}`],
    ['the whole id', 'rev_01J00000000000000000000000'],
  ])('shows %s', (_what, part) => {
    expect(text).toContain(part);
  });

  test('each line of the agent’s words is marked, so that they cannot pass for ours', () => {
    const lines = text.split('\n');
    const forged = lines.filter((line) => line.includes('✓ 1. approval'));
    expect(forged).toEqual(['  │ ✓ 1. approval: ops, 1 of 1']);
  });

  test('context, group and thread are the agent’s words too: below the call, and marked', () => {
    const said = aReview({ reason: null, context: { env: 'production' }, group: 'g-1', threadId: 't-1' });
    const lines = plain(renderReview(ioFor({ tty: true }), said)).split('\n');
    const head = lines.findIndex((line) => line.includes('own words'));
    expect(head).toBeGreaterThan(lines.indexOf('Arguments'));
    for (const part of ['"env": "production"', 'g-1', 't-1']) {
      const at = lines.findIndex((line) => line.includes(part));
      expect(at).toBeGreaterThan(head);
      expect(lines[at]).toMatch(/^ {2}│ /);
    }
  });

  test('no text of others reaches the terminal as an escape', () => {
    const raw = renderReview(ioFor({ tty: true, env: { NO_COLOR: '1' } }), review).join('\n');
    expect(raw).not.toContain('\u001b');
    expect(raw).toContain('x\\u{1b}[2Jy');
  });

  test('arguments come in full, however long', () => {
    const sql = `SELECT ${'x, '.repeat(5_000)} 1`;
    const long = aReview({ target: null, call: { ...aReview().call, arguments: { sql } } });
    expect(plain(renderReview(ioFor({ tty: true }), long))).toContain(sql);
  });

  test('a text of several lines is also shown line by line, each line marked', () => {
    const sql = 'DELETE FROM users\n✓ approved by ops-1\nWHERE id = 7';
    const shown = plain(renderReview(ioFor(), aReview({ call: { ...aReview().call, arguments: { sql } } })));
    expect(shown.split('\n').filter((line) => line.includes('approved by ops-1'))).toEqual(['  │ ✓ approved by ops-1']);
  });

  test('says what is missing: attestation, preview, owner', () => {
    const odd = aReview({
      proposer: { id: 'temporal:somebody', owner: null, attested: false },
      previewError: { code: 'not_previewable', message: 'Two statements.' },
    });
    const shown = plain(renderReview(ioFor({ tty: true }), odd));
    expect(shown).toContain('Not attested');
    expect(shown).toContain('not_previewable');
  });
});

test('off a terminal there are no colours and tables are tab-separated', () => {
  const lines = renderReview(ioFor(), aReview({ evidence: [evidence] }));
  expect(lines.join('\n')).not.toContain('\u001b');
  expect(lines).toContain('    1\tuser00001@example.com');
});
