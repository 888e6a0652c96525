import { explainInvalidSecrets } from '../../activities/notify/channels/webhook/standard-webhook.ts';
import type { Settings } from '../../domain/policy/settings.ts';
import { publicKeyOf } from '../../domain/proof/dsse.ts';

export type ReferencePart = 'api' | 'gate worker' | 'execute worker';

interface Reference {
  readonly reference: string;
  /** `the secret of the webhook https://…` */
  readonly what: string;
  readonly parts: readonly ReferencePart[];
  /** What is wrong with its value, without repeating it; undefined: nothing is. */
  readonly judge: (value: string) => Fault | undefined;
}

interface Fault {
  readonly message: string;
  readonly fix: string;
}

export interface ReferenceFault extends Fault {
  readonly reference: string;
  readonly parts: readonly ReferencePart[];
  /** `missing`: there is no value in this environment, which another part may have. */
  readonly kind: 'missing' | 'malformed';
}

/**
 * References of the configuration that have no value here, or one that cannot work. `resolve` throws where there is none;
 * with `part`, those that this part resolves. Messages name no part of a value.
 */
export function checkReferences(
  settings: Settings,
  resolve: (reference: string) => string,
  part?: ReferencePart,
): readonly ReferenceFault[] {
  const asked = referencesOf(settings).filter(({ parts }) => part === undefined || parts.includes(part));
  return asked.flatMap(({ reference, what, parts, judge }): readonly ReferenceFault[] => {
    let value: string;
    try {
      value = resolve(reference);
    } catch {
      const fix = reference.startsWith('env:')
        ? `Set ${reference.slice('env:'.length)} in the environment of the ${parts.join(' and the ')}`
        : `Create the file for the ${parts.join(' and the ')}, or correct the reference`;
      return [{ reference, parts, kind: 'missing', message: `${what} (${reference}) has no value`, fix }];
    }
    const fault = judge(value);
    if (fault === undefined) return [];
    return [
      { reference, parts, kind: 'malformed', message: `${what} (${reference}) ${fault.message}`, fix: fault.fix },
    ];
  });
}

function referencesOf({ notifications, oidc, connectors, agents }: Settings): readonly Reference[] {
  const { email, slack, webhooks = [] } = notifications ?? {};
  const gate = (reference: string | undefined, what: string, judge: Reference['judge']): readonly Reference[] =>
    reference === undefined ? [] : [{ reference, what, parts: ['gate worker'], judge }];
  return [
    ...webhooks.flatMap(({ url, secret }) =>
      gate(secret, `the secret of the webhook ${shownUrl(url)}`, judgeWebhookSecret),
    ),
    ...(email === undefined || email.mode === 'off' ? [] : gate(email.smtp, 'the SMTP server of e-mails', judgeSmtp)),
    ...(slack === undefined || slack.mode === 'off'
      ? []
      : [
          ...gate(slack.token, 'the bot token of Slack', judgeBotToken),
          ...(slack.token === undefined ? gate(slack.webhook, 'the incoming webhook of Slack', judgeHttpsUrl) : []),
          {
            reference: slack.signingSecret,
            what: 'the signing secret of Slack',
            parts: ['api'] as const,
            judge: judgeText,
          },
        ]),
    ...(oidc?.clientSecret === undefined
      ? []
      : [
          {
            reference: oidc.clientSecret,
            what: 'the client secret of oidc',
            parts: ['api'] as const,
            judge: judgeText,
          },
        ]),
    ...agents.flatMap(({ id, publicKey }): readonly Reference[] =>
      publicKey === undefined
        ? []
        : [
            {
              reference: publicKey,
              what: `the public key of the agent ${id}`,
              parts: ['gate worker', 'execute worker'],
              judge: judgePublicKey,
            },
          ],
    ),
    ...Object.entries(connectors).flatMap(([name, config]) =>
      Object.entries({ ...config, ...('env' in config ? config.env : {}) }).flatMap(
        ([key, value]): readonly Reference[] =>
          typeof value === 'string' && /^(env|file):/.test(value)
            ? [
                {
                  reference: value,
                  what: `${key} of the connector ${name}`,
                  parts: ['execute worker'],
                  judge: judgerOf(key),
                },
              ]
            : [],
      ),
    ),
  ];
}

/** A query may hold a secret. */
function shownUrl(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

const NEW_SECRET = 'Create one: echo "whsec_$(openssl rand -base64 32)"; the receiver needs it too';

function judgeWebhookSecret(value: string): Fault | undefined {
  const message = explainInvalidSecrets(value);
  if (message === undefined) return undefined;
  return { message, fix: message.includes('quotes') ? 'Remove the quotes' : NEW_SECRET };
}

function judgeSmtp(value: string): Fault | undefined {
  if (/^smtps?:\/\//i.test(value) && URL.canParse(value)) return judgeText(value);
  return {
    message: 'is not an SMTP URL',
    fix: 'Write it as smtps://user:password@host or smtp://host:587?requireTLS=true',
  };
}

function judgeBotToken(value: string): Fault | undefined {
  if (value.startsWith('xoxb-')) return judgeText(value);
  return {
    message: 'is not a bot token',
    fix: 'Take the token that begins with xoxb-, from OAuth & Permissions of the app',
  };
}

function judgeHttpsUrl(value: string): Fault | undefined {
  if (URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)) return judgeText(value);
  return { message: 'is not a URL', fix: 'Write it as https://hooks.slack.com/services/…' };
}

function judgePublicKey(value: string): Fault | undefined {
  try {
    publicKeyOf(value);
    return undefined;
  } catch {
    return { message: 'is not an Ed25519 public key', fix: 'Write it as PEM (SPKI): openssl pkey -in KEY -pubout' };
  }
}

/** Shells take quotes off, and files of variables often do not. */
function judgeText(value: string): Fault | undefined {
  if (['"', "'", '`'].some((quote) => value.length > 1 && value.startsWith(quote) && value.endsWith(quote)))
    return { message: 'is in quotes, which are part of the value', fix: 'Remove the quotes' };
  if (/^\s|\s$/.test(value)) return { message: 'begins or ends with white space', fix: 'Remove it' };
  return undefined;
}

/** Variables of an MCP server are its own affair. */
function judgerOf(key: string): Reference['judge'] {
  if (key === 'credential') return judgeText;
  return key === 'url' || key === 'selectUrl' ? judgeDatabaseUrl : () => undefined;
}

function judgeDatabaseUrl(value: string): Fault | undefined {
  if (value.startsWith('pglite:') || (/^postgres(ql)?:\/\//.test(value) && URL.canParse(value)))
    return judgeText(value);
  return (
    judgeText(value) ?? {
      message: 'is not a PostgreSQL URL',
      fix: 'Write it as postgresql://user:password@host:5432/database',
    }
  );
}
