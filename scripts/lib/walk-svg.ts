/** One picture of a page, as large as its window was. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly jpeg: Buffer;
}

export type Scene = { readonly caption: string } & (
  | { readonly terminal: readonly string[] }
  | { readonly pictures: readonly Picture[] }
);

const [WIDTH, HEIGHT, BAR] = [1_280, 800, 64];
const [COLUMNS, LINE] = [100, 25];
const MARGIN = 24;
/** Seconds that a scene is shown. */
const SHOWN = 6;

/**
 * The scenes one after the other, for ever, as one SVG that animates without a script. Readers who ask for less
 * motion see the review alone.
 */
export function drawWalk(scenes: readonly Scene[]): string {
  const total = scenes.length * SHOWN;
  const end = 100 / scenes.length;
  const bodies = scenes.map((scene, index) => {
    const caption = `${index + 1}/${scenes.length}  ${scene.caption}`;
    const body = 'terminal' in scene ? drawTerminal(scene.terminal) : drawPictures(scene.pictures);
    return `<g class="scene" style="animation-delay:${index * SHOWN}s">
<rect width="${WIDTH}" height="${BAR + HEIGHT}" fill="#f4f4f2"/>
<text class="caption" x="${MARGIN}" y="42">${escape(caption)}</text>
<g transform="translate(0 ${BAR})">${body}</g>
</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${BAR + HEIGHT}" width="${WIDTH}" height="${BAR + HEIGHT}" role="img" aria-label="${escape(scenes.map(({ caption }) => caption).join('. '))}.">
<style>
.scene { opacity: 0; animation: show ${total}s step-end infinite }
@keyframes show { 0% { opacity: 1 } ${end.toFixed(3)}% { opacity: 0 } }
.caption { font: 600 26px system-ui, sans-serif; fill: #1b1f24 }
.line { font: 19px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #d7dce2; white-space: pre }
.command { fill: #ffffff; font-weight: 700 } .ok { fill: #7fd28a } .title { fill: #8fb8ff }
@media (prefers-reduced-motion: reduce) { .scene { animation: none } .scene:nth-of-type(4) { opacity: 1 } }
</style>
${bodies.join('\n')}
</svg>
`;
}

function drawTerminal(lines: readonly string[]): string {
  const most = Math.floor((HEIGHT - 3 * MARGIN) / LINE);
  const half = Math.floor(most / 2);
  // The beginning says what was asked, the end what came of it.
  const shown = lines.length <= most ? lines : [...lines.slice(0, half), '⋮', ...lines.slice(1 + half - most)];
  const texts = shown.map((line, index) => {
    const kind = line.startsWith('$ ')
      ? ' command'
      : line.startsWith('✓')
        ? ' ok'
        : line.startsWith('──')
          ? ' title'
          : '';
    return `<text class="line${kind}" x="${2 * MARGIN}" y="${2 * MARGIN + index * LINE}">${escape(clip(line))}</text>`;
  });
  const frame = `<rect x="${MARGIN}" width="${WIDTH - 2 * MARGIN}" height="${HEIGHT - MARGIN}" rx="10" fill="#15191e"/>`;
  return `${frame}\n${texts.join('\n')}`;
}

/** Beside each other, as large as they fit. */
function drawPictures(pictures: readonly Picture[]): string {
  const room = { width: WIDTH - 2 * MARGIN, height: HEIGHT - MARGIN };
  const gaps = (pictures.length - 1) * MARGIN;
  const width = pictures.reduce((sum, picture) => sum + picture.width, 0);
  const height = Math.max(...pictures.map((picture) => picture.height));
  const scale = Math.min((room.width - gaps) / width, room.height / height);
  let x = (WIDTH - width * scale - gaps) / 2;
  return pictures
    .map(({ width: own, height: tall, jpeg }) => {
      const size = `x="${x.toFixed(1)}" width="${(own * scale).toFixed(1)}" height="${(tall * scale).toFixed(1)}"`;
      x += own * scale + MARGIN;
      const data = `data:image/jpeg;base64,${jpeg.toString('base64')}`;
      return `<image ${size} href="${data}"/><rect ${size} fill="none" stroke="#c9ccd1"/>`;
    })
    .join('\n');
}

function clip(line: string): string {
  return line.length > COLUMNS ? `${line.slice(0, COLUMNS - 1)}…` : line;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
