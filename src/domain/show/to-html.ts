import type { TextBlock, TextSection, TextShown } from './to-text.ts';

/** HTML that is safe to insert. Only {@link markup} creates it; everything else is text and gets escaped. */
export interface Html {
  readonly html: string;
}

type Value = string | number | Html | readonly Html[];

/** Markup with values put in: texts are escaped, {@link Html} stays. Not named `html`: formatters rewrite the white space of that. */
export function markup(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  return { html: strings.map((text, index) => text + insert(values[index])).join('') };
}

function insert(value: Value | undefined): string {
  if (value === undefined) return '';
  if (typeof value === 'string' || typeof value === 'number') return escapeHtml(String(value));
  return 'html' in value ? value.html : value.map(({ html }) => html).join('');
}

/** For text and for quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/**
 * Text that may hold an address, so written that mail programs do not make a link of it: whatever a proposer names, only
 * Holdpoint’s own links can be pressed. Copied, it is the same text.
 */
export function unlinked(text: string): Html {
  const [first = '', ...rest] = text.split(/(?<=:)(?=\/\/)|(?<=www)(?=\.)|(?=@)/i);
  return markup`${first}${rest.map((part) => markup`<span>${part}</span>`)}`;
}

/** Sections with a class for each voice; what it looks like is for a style sheet to say. */
export function shownToHtml(shown: Pick<TextShown, 'sections'>): Html {
  return markup`${shown.sections.map(sectionToHtml)}`;
}

function sectionToHtml({ heading, voice, blocks }: TextSection): Html {
  return markup`<section class="voice-${voice}">\n<h2>${heading}</h2>\n${blocks.map(blockToHtml)}</section>\n`;
}

function blockToHtml(block: TextBlock): Html {
  switch (block.kind) {
    case 'pairs': {
      const pairs = block.pairs.map(([label, value]) => markup`<dt>${label}</dt><dd>${unlinked(value)}</dd>`);
      return markup`<dl>${pairs}</dl>\n`;
    }
    case 'code':
      return markup`<h3>${block.label}</h3>\n<pre>${unlinked(block.lines.join('\n'))}</pre>\n`;
    case 'quote': {
      const lines = block.lines.map((line) => markup`<p>${unlinked(line === '' ? '\u00a0' : line)}</p>\n`);
      return markup`<blockquote>${lines}</blockquote>\n`;
    }
    case 'table': {
      const head = block.head.map((cell) => markup`<th scope="col">${cell}</th>`);
      const rows = block.rows.map((row) => markup`<tr>${row.map((cell) => markup`<td>${unlinked(cell)}</td>`)}</tr>\n`);
      const table = markup`<table><thead><tr>${head}</tr></thead><tbody>\n${rows}</tbody></table>`;
      return markup`<h3>${block.label}</h3>\n<div class="wide">${table}</div>\n`;
    }
    case 'warning':
      return markup`<p class="warning">${unlinked(block.text)}</p>\n`;
    default:
      return block satisfies never;
  }
}
