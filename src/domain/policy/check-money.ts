import type { Json, JsonObject } from '../../contract/json.ts';
import type { Money, MoneyPlace, ToolDefinition } from '../../contract/policy.ts';
import { findNearest, listWords } from '../files/nearest.ts';
import type { FileProblem } from '../files/problem.ts';
import type { Path } from '../files/yaml-source.ts';
import { ISO_4217 } from '../iso-4217.ts';
import { pointerStep } from '../../contract/pointer.ts';
import { parsePointer, isJsonObject } from '../json/pointer.ts';
import { decimalsOf, fixedCode } from '../money.ts';
import { overlaps } from './cel-reads.ts';
import type { MergedTool } from './merge-tools.ts';
import { judgeRead, propertiesOf, typesOf } from './schema-reads.ts';
import { onlyReads } from './strictness.ts';

type Tell = (at: Path, message: string, fix: string) => FileProblem;

/** What a tool declares as money must be there to be read, and in a currency of known decimals. */
export function checkMoney({ definition }: MergedTool, tell: Tell): readonly FileProblem[] {
  return (definition.money ?? []).flatMap((entry, index) => {
    const at = (key: keyof Money): Path => ['money', index, key];
    const refused = (key: 'amount' | 'currency', place: MoneyPlace): FileProblem[] => {
      const refusal = refusePlace(definition, place);
      return refusal === undefined ? [] : [tell(at(key), refusal.message, refusal.fix)];
    };
    const problems = refused('amount', entry.amount);
    const { currency, exponents } = entry;
    const code = fixedCode(currency);
    if (code === undefined) {
      problems.push(...refused('currency', currency));
      if (countStars(currency) > countStars(entry.amount)) {
        const message = 'it names more lists than the amount, so an amount has many currencies';
        problems.push(tell(at('currency'), message, 'Use the lists of the amount'));
      }
    } else if (decimalsOf(code, exponents) === undefined) {
      const nearest = findNearest(code.toUpperCase(), [...ISO_4217.keys()]);
      const fix = `${nearest === undefined ? '' : `Did you mean ${nearest}? `}Or add its decimals: exponents: { ${code}: 2 }`;
      problems.push(tell(at('currency'), `unknown currency ${code}`, fix));
    }
    return problems;
  });
}

function refusePlace(
  tool: ToolDefinition,
  place: MoneyPlace,
): { readonly message: string; readonly fix: string } | undefined {
  if (typeof place !== 'string') {
    const facts = factsOf(tool);
    if (facts === undefined || facts.includes(place.fact)) return undefined;
    const fix = facts.length === 0 ? 'Add it to the preview' : `Write one of ${listWords(facts)}`;
    return { message: `the preview has no fact ${place.fact}`, fix };
  }
  const steps = parsePointer(place);
  if ((tool.seal ?? []).some((sealed) => overlaps(parsePointer(sealed), steps))) {
    return { message: `${place} is sealed, so nobody can read it`, fix: 'Declare another argument, or do not seal it' };
  }
  const star = steps.indexOf('*');
  const known = star === -1 ? steps : steps.slice(0, star);
  if (judgeRead(tool.arguments, known, 'presence') !== 'unknown') return undefined;
  return { message: `the tool has no argument ${place}`, fix: 'Point at one of its arguments' };
}

/** Names of the preview's facts; undefined: those of SQL, which depend on the statement. */
function factsOf({ preview }: ToolDefinition): readonly string[] | undefined {
  if (preview === undefined) return [];
  return 'requests' in preview ? preview.requests.flatMap(({ facts }) => facts.map(({ name }) => name)) : undefined;
}

function countStars(place: MoneyPlace): number {
  return typeof place === 'string' ? parsePointer(place).filter((step) => step === '*').length : 0;
}

/**
 * Warns of whole numbers that stand beside a currency in a tool's arguments without being declared: people would read
 * 129900 and take it for what they are used to. `money: []` says that nothing of it is money.
 */
export function warnOfUndeclaredMoney(tools: Iterable<MergedTool>): readonly FileProblem[] {
  return [...tools].flatMap(({ definition, origin, source, path }) => {
    const { name, money, arguments: schema } = definition;
    if (origin === 'builtin' || schema === undefined || money?.length === 0 || onlyReads(definition)) return [];
    const pointers = (money ?? []).flatMap(({ amount }) => (typeof amount === 'string' ? [amount] : []));
    const declared = new Set(pointers.map(parentOf));
    return findPairs(schema, schema, '')
      .filter(({ pointer }) => !declared.has(pointer))
      .map(({ pointer, currency, numbers }) => {
        const names = numbers.map(({ name }) => name);
        const [first = ''] = names;
        const entry = `{ amount: ${pointer}${pointerStep(first)}, currency: ${pointer}${pointerStep(currency)}, scale: minor }`;
        const message = `${name}: ${names.join(', ')} beside ${currency}, and money is not declared: people read bare numbers`;
        const fix = `Add money: [${entry}] (scale: major if it counts whole units), or money: [] if nothing of it is money`;
        return source.problem([...path, 'arguments'], message, fix, 'key');
      });
  });
}

const AMOUNT = /amount|price|total|sum|value|cost|fee|balance/i;

/**
 * A first `money` for a tool of which people would read bare numbers: the amounts by their names, in minor units where they
 * are whole. `[]` where numbers beside a currency are not all called like amounts: a person has to tell them apart.
 * Undefined: there is none.
 */
export function proposeMoney(tool: ToolDefinition): Money[] | undefined {
  const { arguments: schema } = tool;
  if (schema === undefined || onlyReads(tool)) return undefined;
  const pairs = findPairs(schema, schema, '').map(({ pointer, currency, numbers }) => ({
    currency: pointer + pointerStep(currency),
    amounts: numbers
      .filter(({ name }) => AMOUNT.test(name))
      .map(
        ({ name, isWhole }) => ({ amount: pointer + pointerStep(name), scale: isWhole ? 'minor' : 'major' }) as const,
      ),
  }));
  if (pairs.length === 0) return undefined;
  if (pairs.some(({ amounts }) => amounts.length === 0)) return [];
  const money = pairs.flatMap(({ currency, amounts }) =>
    amounts.map(({ amount, scale }) => ({ amount, currency, scale })),
  );
  return money.length > MOST_DECLARED ? [] : money;
}

/** As many as a tool may declare. */
const MOST_DECLARED = 50;

function parentOf(pointer: string): string {
  return pointer.slice(0, pointer.lastIndexOf('/'));
}

interface Pair {
  /** Of the object that holds them; `*` stands for each element of a list. */
  readonly pointer: string;
  readonly currency: string;
  readonly numbers: readonly { readonly name: string; readonly isWhole: boolean }[];
}

function findPairs(schema: Json | undefined, root: JsonObject, pointer: string): readonly Pair[] {
  const properties = propertiesOf(schema, root);
  const currency = [...properties].find(([name, part]) => namesCurrency(name, part))?.[0];
  const numbers = [...properties].flatMap(([name, part]) => {
    const types = typesOf(part, root) ?? [];
    const isWhole = types.includes('integer');
    return isWhole || types.includes('number') ? [{ name, isWhole }] : [];
  });
  const here = currency === undefined || numbers.length === 0 ? [] : [{ pointer, currency, numbers }];
  const below = [...properties].flatMap(([name, part]) => {
    const at = `${pointer}${pointerStep(name)}`;
    const items = isJsonObject(part) ? itemsOf(part) : [];
    return [...findPairs(part, root, at), ...items.flatMap((item) => findPairs(item, root, `${at}/*`))];
  });
  return [...here, ...below];
}

/** `propertiesOf` gives all that is said of an argument as one `allOf`. */
function itemsOf({ items, allOf }: JsonObject): readonly Json[] {
  const parts = Array.isArray(allOf) ? (allOf as readonly Json[]) : [];
  return [
    ...(items === undefined ? [] : [items]),
    ...parts.flatMap((part) => (isJsonObject(part) ? itemsOf(part) : [])),
  ];
}

/** `currency`, `chargeCurrency`, `currency_code`; or any argument that takes codes of currencies alone. */
function namesCurrency(name: string, schema: Json): boolean {
  if (/((^|[^A-Za-z])currency|Currency|CURRENCY)([_-]?[Cc]ode)?$/.test(name)) return true;
  const parts =
    isJsonObject(schema) && Array.isArray(schema['allOf']) ? (schema['allOf'] as readonly Json[]) : [schema];
  return parts.some((part) => {
    const values = isJsonObject(part) ? part['enum'] : undefined;
    return (
      Array.isArray(values) &&
      values.length > 0 &&
      values.every(
        (value) => typeof value === 'string' && /^[A-Za-z]{3}$/.test(value) && ISO_4217.has(value.toUpperCase()),
      )
    );
  });
}
