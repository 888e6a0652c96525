import type { Block, Section, Shown } from './shown.ts';

/** HTML of our own making. Only {@link html} makes it; everything else is text and gets escaped. */
export interface Html {
  readonly markup: string;
}

type Value = string | number | Html | readonly Html[];

/** Markup with values put in: texts are escaped, {@link Html} stays. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  return { markup: strings.map((text, index) => text + insert(values[index])).join('') };
}

function insert(value: Value | undefined): string {
  if (value === undefined) return '';
  if (typeof value === 'string' || typeof value === 'number') return escapeHtml(String(value));
  return 'markup' in value ? value.markup : value.map(({ markup }) => markup).join('');
}

/** For text and for quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Sections with a class for each voice; what it looks like is for a style sheet to say. */
export function shownToHtml(shown: Pick<Shown, 'sections'>): Html {
  return html`${shown.sections.map(sectionToHtml)}`;
}

function sectionToHtml({ heading, voice, blocks }: Section): Html {
  return html`<section class="voice-${voice}">
    <h2>${heading}</h2>
    ${blocks.map(blockToHtml)}
  </section> `;
}

function blockToHtml(block: Block): Html {
  switch (block.kind) {
    case 'pairs':
      return html`<dl>
        ${block.pairs.map(
          ([label, value]) =>
            html`<dt>${label}</dt>
              <dd>${value}</dd>`,
        )}
      </dl> `;
    case 'code': {
      const label = block.label === null ? html`` : html`<h3>${block.label}</h3>`;
      return html`${label}
        <pre>${block.lines.join('\n')}</pre> `;
    }
    case 'quote':
      return html`<blockquote>
        ${block.lines.map((line) => html`<p>${line === '' ? '\u00a0' : line}</p>`)}
      </blockquote> `;
    case 'table':
      return html`<h3>${block.label}</h3>
        <div class="wide">
          <table>
            <thead>
              <tr>
                ${block.head.map((cell) => html`<th scope="col">${cell}</th>`)}
              </tr>
            </thead>
            <tbody>
              ${block.rows.map(
                (row) =>
                  html`<tr>
                    ${row.map((cell) => html`<td>${cell}</td>`)}
                  </tr>`,
              )}
            </tbody>
          </table>
        </div> `;
    case 'warning':
      return html`<p class="warning">${block.text}</p> `;
  }
}
