import type { Explanation } from '../../contract/api.ts';
import { placeOf, ruleName } from '../../domain/show/show-held.ts';
import { reasonWords } from '../../domain/words.ts';
import { ClassBadge } from '../ui/badge.tsx';
import { Visible } from '../ui/visible.tsx';
import { words } from '../words.ts';
import { levelText } from './tools.ts';
import { Fact } from '../ui/parts.tsx';

interface AnswerProps {
  readonly explanation: Explanation;
  /** Shows the rules where they stand in the policy file; undefined: none of them is in it. */
  readonly onShowRules: (() => void) | undefined;
}

/** What would become of a call, in words. */
export function Answer({ explanation, onShowRules }: AnswerProps) {
  const { levels, reasonCodes, reasons = [], rules, errors = [] } = explanation;
  // A rule's own reason is its name, which stands with the rule.
  const named = new Set(rules.map(({ reason }) => reason));
  const why = reasonCodes.filter((code) => !named.has(code));
  return (
    <section role="status" aria-label={words.policy.result} className="card answer">
      <h2>{verdict(explanation)}</h2>
      <dl>
        <Fact name={words.policy.classLabel}>
          {explanation.class === null ? words.policy.noClass : <ClassBadge value={explanation.class} />}
        </Fact>
        {why.length + reasons.length + errors.length > 0 && (
          <Fact name={words.policy.whyLabel}>
            <ul>
              {why.map((code) => (
                <li key={code}>
                  <Visible text={reasonWords(code)} />
                </li>
              ))}
              {reasons.map(({ code, message }) => (
                <li key={code}>
                  <Visible text={message} />
                </li>
              ))}
              {errors.map(({ pointer, message }) => (
                <li key={pointer + message}>
                  {pointer !== '' && (
                    <code>
                      <Visible text={`${pointer} `} />
                    </code>
                  )}
                  <Visible text={message} />
                </li>
              ))}
            </ul>
          </Fact>
        )}
        {levels.length > 0 && (
          <Fact name={words.policy.whoLabel}>
            <ol>
              {levels.map((level) => (
                <li key={level.name}>
                  {level.name}: {levelText(level)}
                </li>
              ))}
            </ol>
          </Fact>
        )}
        <Fact name={words.policy.rulesLabel}>
          {rules.length === 0 ? (
            words.policy.noRules
          ) : (
            <ul>
              {rules.map((rule) => (
                <li key={rule.source}>
                  <b>
                    <Visible text={ruleName(rule)} />
                  </b>{' '}
                  <ClassBadge value={rule.class} />
                  {rule.error !== null && (
                    <p className="tone-bad">
                      <Visible text={words.policy.ruleFailed(rule.error)} />
                    </p>
                  )}
                  <p className="quiet">
                    <code>
                      <Visible text={rule.source.slice(placeOf(rule).length).trim()} />
                    </code>{' '}
                    {placeOf(rule)}
                  </p>
                </li>
              ))}
            </ul>
          )}
        </Fact>
      </dl>
      {onShowRules !== undefined && (
        <button type="button" className="button" onClick={onShowRules}>
          {words.policy.showInFile}
        </button>
      )}
    </section>
  );
}

function verdict({ blocked, gate }: Explanation): string {
  if (blocked) return words.policy.wouldBlock;
  switch (gate) {
    case 'hard':
      return words.policy.wouldHold;
    case 'soft':
      return words.policy.wouldTell;
    case 'none':
    case null:
      return words.policy.wouldRun;
    default:
      return gate satisfies never;
  }
}
