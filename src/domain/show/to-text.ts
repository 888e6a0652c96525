import type { Block, Section, Shown } from './shown.ts';

/** For plain-text mails. Somebody's words stand behind a bar, so that they cannot pass for ours. */
export function shownToText(shown: Pick<Shown, 'sections'>): string[] {
  return shown.sections.flatMap(sectionToText);
}

function sectionToText({ heading, blocks }: Section): string[] {
  const lines = blocks.flatMap(blockToText);
  return ['', heading.toUpperCase(), ...lines];
}

function blockToText(block: Block): string[] {
  switch (block.kind) {
    case 'pairs':
      return block.pairs.map(([label, value]) => `  ${label}: ${value}`);
    case 'code':
      return [...(block.label === null ? [] : [`  ${block.label}:`]), ...block.lines.map((line) => `  │ ${line}`)];
    case 'quote':
      return block.lines.map((line) => `  │ ${line}`);
    case 'table':
      return [`  ${block.label}:`, ...[block.head, ...block.rows].map((row) => `  │ ${row.join(' · ')}`)];
    case 'warning':
      return [`  ! ${block.text}`];
  }
}
