import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openWindow, SIZES, VIEWPORTS } from '../support/browser.ts';
import { startPageWorld, type PageWorld } from '../support/page-world.ts';

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly operationId: string }>>>>;
}

let world: PageWorld;
beforeAll(async () => {
  world = await startPageWorld();
});
afterAll(() => world.close());

describe.each(SIZES)('/docs, %s', (size) => {
  test('shows every operation of the document, loads nothing from elsewhere and breaks no rule of the CSP', async () => {
    const { url } = world.api;
    const { paths } = (await world.api.get('/openapi.json')).body as Document;
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const person = await openWindow(world.browser, { viewport: VIEWPORTS[size] });
    const asked: string[] = [];
    person.page.on('request', (request) => asked.push(request.url()));
    await person.page.goto(`${url}/docs`);
    await person.page.locator('.opblock').first().waitFor();
    const shown = await person.page.locator('.opblock-summary').evaluateAll((rows) =>
      rows.map((row) => {
        const [method, path] = ['.opblock-summary-method', '[data-path]'].map((name) => row.querySelector(name));
        return `${method?.textContent} ${path?.getAttribute('data-path')}`;
      }),
    );
    expect(shown.toSorted()).toEqual(operations.toSorted());

    await person.page.getByRole('button', { name: /^POST \/v1\/execute Propose/ }).click();
    await person.page.getByRole('heading', { name: 'Responses' }).waitFor();
    expect(asked.filter((one) => !one.startsWith(`${url}/`) && !one.startsWith('data:'))).toEqual([]);
    expect(person.faults).toEqual([]);
    await person.close();
  });
});
