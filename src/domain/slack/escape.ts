/**
 * Text in Slack's mrkdwn. `&`, `<` and `>` are its control characters: `<https://…|text>` is a link, `<!channel>` calls
 * everybody, `<@U…>` somebody (https://docs.slack.dev/messaging/formatting-message-text#escaping). Formatting characters
 * have no escape there, so what others wrote goes into plain text and rich text blocks instead, where none has a meaning.
 */
export function escapeMrkdwn(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** At most `length` UTF-16 units, which is what Slack counts, and never half of a character. */
export function clipText(text: string, length: number): string {
  if (text.length <= length) return text;
  const cut = length - 1;
  return `${text.slice(0, /[\ud800-\udbff]/.test(text.charAt(cut - 1)) ? cut - 1 : cut)}…`;
}
