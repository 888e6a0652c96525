import type { Json } from '../../contract/json.ts';

/** What is sent for what was typed: the text as it stands, or the value it writes. Undefined: neither. */
export function readAnswer(text: string, asJson: boolean): Json | undefined {
  if (text.trim() === '') return undefined;
  if (!asJson) return text;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
