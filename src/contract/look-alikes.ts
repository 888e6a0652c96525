/**
 * Letters of other scripts that are drawn like an ASCII one (UTS #39, the part met in practice). One table for whoever
 * shows people what they decide on: mails, Slack and the page.
 */
const LOOK_ALIKES = new Map(
  Object.entries({
    a: 'аɑα',
    b: 'Ьƅ',
    c: 'сϲ',
    d: 'ԁɗ',
    e: 'еҽ',
    g: 'ɡց',
    h: 'һհ',
    i: 'іɩιı',
    j: 'јϳ',
    k: 'κк',
    l: 'ӏǀ',
    m: 'м',
    n: 'ոп',
    o: 'оοօσ',
    p: 'рρ',
    q: 'ԛզ',
    r: 'гᴦ',
    s: 'ѕ',
    t: 'тτ',
    u: 'υսц',
    v: 'νѵ',
    w: 'ѡԝա',
    x: 'хχ',
    y: 'уγү',
    z: 'ᴢ',
    A: 'АΑ',
    B: 'ВΒ',
    C: 'СϹ',
    E: 'ЕΕ',
    G: 'Ԍ',
    H: 'НΗ',
    I: 'ІΙӀ',
    J: 'Ј',
    K: 'КΚ',
    M: 'МΜ',
    N: 'Ν',
    O: 'ОΟՕ',
    P: 'РΡ',
    Q: 'Ԛ',
    S: 'Ѕ',
    T: 'ТΤ',
    W: 'Ԝ',
    X: 'ХΧ',
    Y: 'ҮΥУ',
    Z: 'Ζ',
  }).flatMap(([ascii, others]) => Array.from(others, (other) => [other, ascii] as const)),
);

/** The ASCII letter or digit that another character is drawn like, or stands for. */
export function asciiOf(character: string): string | undefined {
  return LOOK_ALIKES.get(character) ?? (isCompatible(character) ? character.normalize('NFKC') : undefined);
}

/** Full-width and mathematical letters and digits, and the like. */
export function isCompatible(character: string): boolean {
  return !/^[0-9A-Za-z_]$/.test(character) && /^[0-9A-Za-z]$/.test(character.normalize('NFKC'));
}
