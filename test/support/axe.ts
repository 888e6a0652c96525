import axe from 'axe-core';
import type { Page } from 'playwright-core';

/** What axe finds on the page as it stands (WCAG 2.2 A and AA, best practices): rule and where. */
export async function findViolations(page: Page): Promise<readonly string[]> {
  // Through the debugger's own evaluation, which the page's CSP does not concern.
  await page.evaluate(axe.source);
  const result = (await page.evaluate(
    `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
      .then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html, failureSummary }) => html.slice(0, 200) + ' ' + failureSummary).join(' | ')))`,
  )) as readonly string[];
  return result;
}
