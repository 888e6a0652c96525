import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/contract/json.ts';
import { toolSchema } from '../../src/contract/policy.ts';
import { TOOLS } from '../support/gate-fixture.ts';
import { SIZES } from '../support/browser.ts';
import { startPageWorld, type PageWorld } from '../support/page-world.ts';
import { begin } from '../support/reviewing.ts';
import { findViolations } from '../support/axe.ts';

/** One of each kind of value, and what a form has to help with. */
const TOOL = toolSchema.parse({
  name: 'payouts.change',
  class: 'irreversible',
  connector: 'payouts',
  request: { method: 'POST', path: '/changes', body: 'arguments' },
  arguments: {
    type: 'object',
    required: ['sql', 'limit'],
    additionalProperties: false,
    properties: {
      sql: { type: 'string', description: 'One statement, run as it is' },
      limit: { type: 'number', minimum: 0 },
      plan: { enum: ['free', 'paid', 1, '1', null] },
      dryRun: { type: 'boolean' },
      note: { type: ['string', 'null'] },
      tags: { type: 'array', items: { type: 'string' } },
      labels: { type: 'object', additionalProperties: { type: 'string' } },
      owner: { type: 'string', maxLength: 5 },
    },
  },
});

const SQL = "DELETE FROM users -- those who left\r\nWHERE id = 8\n\tAND note = 'ü\u00a0\u{1f469}\u200d\u{1f467}'\n";
/** In the order in which the record has them (RFC 8785). */
const ARGUMENTS: JsonObject = {
  dryRun: false,
  labels: { 'a/b': 'x', z: '1' },
  limit: 1e-7,
  note: '',
  plan: null,
  sql: SQL,
  tags: ['a', '', 'b\nc'],
};

/** Of a text area; tests are not compiled for the DOM. */
interface Caret {
  setSelectionRange(start: number, end: number): void;
}

let world: PageWorld;
beforeAll(async () => {
  world = await startPageWorld({ policy: { tools: [...TOOLS, TOOL] } });
});
afterAll(() => world.close());

describe.each(SIZES)('editing, %s', (size) => {
  async function open(args: JsonObject = ARGUMENTS, tool = TOOL.name) {
    const { reviewId } = await world.api.propose({ tool, arguments: args });
    const person = await world.open(`/reviews/${reviewId}`, { size });
    await begin(person.page, 'edit');
    const dialog = person.page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Show the changes' }).waitFor();
    return { ...person, dialog };
  }
  type Opened = Awaited<ReturnType<typeof open>>;

  /** The arguments that go to the server, as they are written. */
  async function send({ page, dialog }: Opened): Promise<JsonObject> {
    await dialog.getByRole('button', { name: 'Show the changes' }).click();
    const sent = page.waitForRequest((request) => request.url().endsWith('/decision'));
    await dialog.getByRole('button', { name: 'Approve with these changes' }).click();
    return (JSON.parse((await sent).postData() ?? '') as { arguments: JsonObject }).arguments;
  }

  test('R5: a digit of a statement of several lines changes, and nothing else', async () => {
    const person = await open();
    const field = person.dialog.getByLabel('sql');
    expect(await field.inputValue()).toBe(SQL.replace('\r\n', '\n'));
    const caret = (await field.inputValue()).indexOf('8') + 1;
    await field.evaluate((area, at) => (area as unknown as Caret).setSelectionRange(at, at), caret);
    await field.press('Backspace');
    await field.press('9');
    const sent = await send(person);
    expect(JSON.stringify(sent)).toBe(JSON.stringify({ ...ARGUMENTS, sql: SQL.replace('8', '9') }));
    expect(person.faults).toEqual([]);
    await person.close();
  });

  test('R6: an emptied text is empty, and a number is what was typed or an error', async () => {
    const person = await open();
    const { dialog } = person;
    const number = dialog.getByLabel('limit');
    expect(await number.inputValue()).toBe('1e-7');
    await dialog.getByLabel('sql').fill('');
    for (const wrong of ['1,5', '12345678901234567890', '', '-1']) {
      await number.fill(wrong);
      await dialog.getByRole('button', { name: 'Show the changes' }).click();
      await dialog.locator('.text-danger').first().waitFor();
      expect(await number.inputValue()).toBe(wrong);
      // What is wrong is where the keyboard is.
      await expect
        .poll(() => person.page.evaluate<string>('document.activeElement.id'))
        .toBe(await number.getAttribute('id'));
    }
    expect(await findViolations(person.page)).toEqual([]);
    await number.fill('1.50');
    expect(await send(person)).toEqual({ ...ARGUMENTS, sql: '', limit: 1.5 });
    expect(person.faults).toEqual([]);
    await person.close();
  });

  test('R6: every kind of value can be chosen, left out, put back and added', async () => {
    const person = await open();
    const { dialog } = person;
    expect(await findViolations(person.page)).toEqual([]);
    const plans = await dialog.getByLabel('plan').locator('option').allTextContents();
    expect(plans).toEqual(['free', 'paid', '1', '"1"', 'null']);
    await dialog.getByLabel('plan').selectOption({ label: 'paid' });
    await dialog.getByLabel('dryRun').selectOption({ label: 'true' });
    await dialog.locator('.edit-kind').first().selectOption({ label: 'Null' });
    await dialog.getByRole('button', { name: 'Remove 2' }).click();
    await dialog.getByRole('button', { name: 'Leave out labels' }).click();
    await dialog.getByRole('button', { name: 'Add owner' }).click();
    await dialog.getByLabel('owner').fill('too long');
    await dialog.getByRole('button', { name: 'Show the changes' }).click();
    await dialog.locator('.text-danger').first().waitFor();
    await dialog.getByLabel('owner').fill('ops');
    expect(await send(person)).toEqual({
      sql: SQL,
      limit: 1e-7,
      plan: 'paid',
      dryRun: true,
      note: null,
      tags: ['a', 'b\nc'],
      owner: 'ops',
    });
    expect(person.faults).toEqual([]);
    await person.close();
  });

  test('R6: what was left out can be put back as it was, and all of it can be written as JSON', async () => {
    const person = await open();
    const { dialog } = person;
    await dialog.getByRole('button', { name: 'Leave out labels' }).click();
    await dialog.getByRole('button', { name: 'Put back labels' }).click();
    await dialog.getByRole('button', { name: 'As JSON' }).click();
    const json = dialog.getByLabel('Arguments as JSON');
    expect(await json.inputValue()).toBe(JSON.stringify(ARGUMENTS, null, 2));
    await json.fill(JSON.stringify(ARGUMENTS, null, 2).replace('1e-7', '12345678901234567890'));
    await dialog.getByRole('button', { name: 'In fields' }).click();
    await dialog.getByText('too many digits').waitFor();
    await json.fill(JSON.stringify(ARGUMENTS, null, 2).replace('1e-7', '7'));
    await dialog.getByRole('button', { name: 'In fields' }).click();
    expect(await dialog.getByLabel('limit').inputValue()).toBe('7');
    expect(JSON.stringify(await send(person))).toBe(JSON.stringify({ ...ARGUMENTS, limit: 7 }));
    expect(person.faults).toEqual([]);
    await person.close();
  });
});
