const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const VALUES = new Map(ALPHABET.split('').map((character, index) => [character, index]));

/**
 * Text of canonical standard base64 (RFC 4648, padded), or undefined where it is not that, or not UTF-8. The workflow sandbox has neither
 * Buffer nor atob, and signals are filtered there before anything is verified.
 */
export function decodeBase64Text(encoded: string): string | undefined {
  if (encoded.length % 4 !== 0) return undefined;
  const body = encoded.replace(/={1,2}$/, '');
  const bytes = new Uint8Array(Math.floor((body.length * 3) / 4));
  let buffer = 0;
  let bits = 0;
  let length = 0;
  for (const character of body) {
    const value = VALUES.get(character);
    if (value === undefined) return undefined;
    buffer = ((buffer << 6) | value) & 0xffffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[length] = (buffer >> bits) & 0xff;
      length += 1;
    }
  }
  // Bits that belong to no byte would make a second spelling of the same bytes.
  if ((buffer & ((1 << bits) - 1)) !== 0) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, length));
  } catch {
    return undefined;
  }
}
