const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/**
 * ULID of a time (epoch ms) and 80 random bits taken from a UUID v4's hexadecimal digits (its fixed version and
 * variant digits left out). Pure, so that a workflow can make one from `uuid4()`.
 */
export function ulidOf(timeMs: number, uuid: string): string {
  const hex = uuid.replaceAll('-', '');
  const random = hex.slice(0, 12) + hex.slice(13, 16) + hex.slice(17, 22);
  return encode(BigInt(timeMs), 10) + encode(BigInt(`0x${random}`), 16);
}

function encode(value: bigint, length: number): string {
  let text = '';
  for (let rest = value; text.length < length; rest >>= 5n) text = (CROCKFORD[Number(rest & 31n)] ?? '0') + text;
  return text;
}
