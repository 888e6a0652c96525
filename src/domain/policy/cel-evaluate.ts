import { CelScalar, celUint, listType, mapType, type CelEnv } from '@bufbuild/cel';
import {
  Budget,
  Dict,
  EvaluationError,
  familyOf,
  isText,
  List,
  Evaluation,
  textOf,
  type Family,
  type Value,
} from './cel-values.ts';
import { areEqual, familyOfBoth, findKey, keyValueOf, nameOfKey, numberOf } from './cel-compare.ts';
import { compileFunction } from './cel-functions.ts';
import {
  childrenOf,
  conjunctsOf,
  elementsOf,
  isStatic,
  NOTHING,
  operandOf,
  operandsOf,
  partsOf,
  type CallExpr,
  type Comprehension,
  type Expr,
} from './cel-tree.ts';

/** Variables in sight: those of macros before the five of the call. */
interface Scope {
  readonly name: string;
  value: Value;
  readonly outer: Scope | undefined;
  /** The list that `map` or `filter` is making in this scope. */
  made?: Value[];
}
type Compute = (scope: Scope | undefined, evaluation: Evaluation) => Value;

export type Evaluate = (variables: Readonly<Record<string, Value>>, evaluation: Evaluation) => Value;

/** What only looks at tool and service costs nothing that the proposer chooses. */
const UNCHARGED = new Evaluation(new Budget(Number.POSITIVE_INFINITY));

/**
 * Makes a checked expression runnable. It follows CEL except where CEL would answer a silent no:
 * - comparing values of two types is an error, at any depth, and so is going over a list of several types;
 * - a key of which the map has another spelling is an error;
 * - an error ends the condition: `error && false` is an error, and so is `true || error` where the error comes first.
 *   Operands of `&&` and `||` that look only at tool and service are asked first, so that a condition can be meant for
 *   one tool.
 *
 * The library's own evaluator has no place for the last two, nor for counting steps; its functions are used as they are.
 */
export function compileTree(env: CelEnv, root: Expr): Evaluate {
  const compute = new Compiler(env).compile(root);
  return (variables, evaluation) => {
    const scope = Object.entries(variables).reduce<Scope | undefined>(
      (outer, [name, value]) => ({ name, value, outer }),
      undefined,
    );
    return compute(scope, evaluation);
  };
}

class Compiler {
  readonly #env: CelEnv;
  constructor(env: CelEnv) {
    this.#env = env;
  }

  compile(expr: Expr): Compute {
    const { exprKind: node } = expr;
    switch (node.case) {
      case 'constExpr': {
        const { constantKind } = node.value;
        const value = constantKind.case === 'nullValue' ? null : (constantKind.value as Value);
        const constant = constantKind.case === 'uint64Value' ? celUint(constantKind.value) : value;
        return () => constant;
      }
      case 'identExpr':
        return this.#compileName(node.value.name);
      case 'selectExpr': {
        const operand = this.compile(operandOf(node.value));
        const { field, testOnly } = node.value;
        return (scope, evaluation) => {
          const dict = asDict(operand(scope, evaluation), field);
          return testOnly ? findKey(dict, field, evaluation) !== undefined : readKey(dict, field, evaluation);
        };
      }
      case 'listExpr': {
        const elements = elementsOf(expr).map((part) => this.compile(part));
        return (scope, evaluation) => List.ofValues(elements.map((element) => element(scope, evaluation)));
      }
      case 'structExpr': {
        const parts = elementsOf(expr).map((part) => this.compile(part));
        return (scope, evaluation) => buildDict(parts.map((part) => part(scope, evaluation)));
      }
      case 'callExpr':
        return this.#compileCall(expr, node.value);
      case 'comprehensionExpr':
        return this.#compileComprehension(node.value);
      case undefined:
        throw new EvaluationError('the expression is empty');
    }
  }

  #compileName(name: string): Compute {
    return (scope) => {
      for (let at = scope; at !== undefined; at = at.outer) if (at.name === name) return at.value;
      const type = TYPES.get(name);
      if (type === undefined) throw new EvaluationError(`unknown name ${name}`);
      return type;
    };
  }

  #compileCall(expr: Expr, call: CallExpr): Compute {
    switch (call.function) {
      case '_&&_':
        return this.#compileLogic(expr, false);
      case '_||_':
        return this.#compileLogic(expr, true);
      case '_?_:_': {
        const [condition, then, otherwise] = call.args.map((part) => this.compile(part)) as [Compute, Compute, Compute];
        return (scope, evaluation) => (asBool(condition(scope, evaluation)) ? then : otherwise)(scope, evaluation);
      }
      case '!_': {
        const [operand] = call.args.map((part) => this.compile(part)) as [Compute];
        return (scope, evaluation) => !asBool(operand(scope, evaluation));
      }
      case '@not_strictly_false':
        return this.compile(call.args[0] as Expr);
      case '_+_':
        if (isAccumulated(call)) return this.#compileAppend(call);
        break;
      default:
    }
    const operands = operandsOf(call).map((part) => this.compile(part));
    const run = this.#operatorOf(call);
    return (scope, evaluation) =>
      run(
        operands.map((operand) => operand(scope, evaluation)),
        evaluation,
      );
  }

  #operatorOf(call: CallExpr): (values: readonly Value[], evaluation: Evaluation) => Value {
    const runEqual = compileFunction(this.#env, { function: '_==_', args: [NOTHING, NOTHING] });
    const isOpaqueEqual = (left: Value, right: Value): boolean => asBool(runEqual([left, right], UNCHARGED));
    switch (call.function) {
      case '_==_':
        return ([a, b], evaluation) => areEqual(a as Value, b as Value, evaluation, isOpaqueEqual);
      case '_!=_':
        return ([a, b], evaluation) => !areEqual(a as Value, b as Value, evaluation, isOpaqueEqual);
      case '@in':
        return ([value, container], evaluation) => {
          if (container instanceof Dict) return findKey(container, value as Value, evaluation) !== undefined;
          const list = asList(container as Value);
          evaluation.budget.charge(list.size / 4);
          let found = false;
          for (let index = 0; index < list.size; index++) {
            if (areEqual(value as Value, list.at(index), evaluation, isOpaqueEqual)) found = true;
          }
          return found;
        };
      case '_[_]':
        return ([container, index], evaluation) =>
          container instanceof Dict
            ? readKey(container, index as Value, evaluation)
            : readIndex(asList(container as Value), index as Value);
      default:
        return compileFunction(this.#env, call);
    }
  }

  /** `&&` stops at the first false, `||` at the first true. */
  #compileLogic(expr: Expr, stop: boolean): Compute {
    const parts = conjunctsOf(expr, stop ? '_||_' : '_&&_');
    const guards = parts.filter(isStatic).map((part) => this.compile(part));
    const others = parts.filter((part) => !isStatic(part)).map((part) => this.compile(part));
    return (scope, evaluation) => {
      if (guards.some((guard) => asBool(guard(scope, UNCHARGED)) === stop)) return stop;
      return others.some((part) => asBool(part(scope, evaluation)) === stop) ? stop : !stop;
    };
  }

  #compileComprehension(node: Comprehension): Compute {
    const parts = partsOf(node);
    const [range, init, condition, step, result] = [
      parts.range,
      parts.init,
      parts.condition,
      parts.step,
      parts.result,
    ].map((part) => this.compile(part)) as [Compute, Compute, Compute, Compute, Compute];
    const round = (2 + countNodes(parts.condition) + countNodes(parts.step)) / 8;
    return (scope, evaluation) => {
      const items = itemsOf(range(scope, evaluation), evaluation);
      const accumulator: Scope = { name: node.accuVar, value: init(scope, evaluation), outer: scope };
      for (const value of items) {
        evaluation.budget.charge(round);
        const inner: Scope = { name: node.iterVar, value, outer: accumulator };
        if (!asBool(condition(inner, evaluation))) break;
        accumulator.value = step(inner, evaluation);
      }
      return result(accumulator, evaluation);
    };
  }

  /** `map` and `filter` add to a list that nothing else refers to; copying it each time would be quadratic. */
  #compileAppend(call: CallExpr): Compute {
    const elements = elementsOf(call.args[1] as Expr).map((part) => this.compile(part));
    return (scope, evaluation) => {
      const accumulator = findAccumulator(scope);
      accumulator.made ??= [];
      accumulator.made.push(...elements.map((element) => element(scope, evaluation)));
      return List.ofValues(accumulator.made);
    };
  }
}

/** Names of types, as in `type(arguments.x) == string`. */
const TYPES: ReadonlyMap<string, Value> = new Map(
  [...Object.values(CelScalar), listType(CelScalar.DYN), mapType(CelScalar.DYN, CelScalar.DYN)].map((type) => [
    type.name,
    type,
  ]),
);

const ACCUMULATOR = '@result';

/** `@result + [x]`, which only macros write. */
function isAccumulated({ args: [list, more] }: CallExpr): boolean {
  return (
    list?.exprKind.case === 'identExpr' &&
    list.exprKind.value.name === ACCUMULATOR &&
    more?.exprKind.case === 'listExpr'
  );
}

function findAccumulator(scope: Scope | undefined): Scope {
  for (let at = scope; at !== undefined; at = at.outer) if (at.name === ACCUMULATOR) return at;
  throw new EvaluationError('the expression is not well-formed');
}

/** What a macro goes over. Elements of several types would each be judged by a condition that fits one of them. */
function itemsOf(range: Value, evaluation: Evaluation): readonly Value[] {
  if (range instanceof Dict) {
    evaluation.budget.charge(range.keys.length / 4);
    if (range.keyFamily === 'string') for (const key of range.keys) findKey(range, key, evaluation);
    return range.keys.map((key) => keyValueOf(range, key));
  }
  const list = asList(range);
  evaluation.budget.charge(list.size / 4);
  const items = Array.from({ length: list.size }, (_, index) => list.at(index));
  const [first] = items;
  if (first !== undefined) for (const item of items) familyOfBoth(first, item);
  return items;
}

function buildDict(parts: readonly Value[]): Dict {
  const entries = new Map<string, Value>();
  let family: Family | undefined;
  for (let at = 0; at < parts.length; at += 2) {
    const key = parts[at] as Value;
    if (family !== undefined && familyOf(key) !== family) {
      throw new EvaluationError('a map is written with keys of several types');
    }
    family = familyOf(key);
    const name = typeof key === 'string' ? key : nameOfKey(key);
    if (entries.has(name)) throw new EvaluationError(`a map is written with the key ${name} twice`);
    entries.set(name, parts[at + 1] as Value);
  }
  return Dict.ofValues(family, entries);
}

function readKey(dict: Dict, key: Value, evaluation: Evaluation): Value {
  const name = findKey(dict, key, evaluation);
  const value = name === undefined ? undefined : dict.get(name);
  if (value !== undefined) return value;
  const shown = isText(key) ? textOf(key).slice(0, 100) : nameOfKey(key);
  if (dict.isContext) throw new EvaluationError(`context has no "${shown}"`, 'context_not_pinned');
  throw new EvaluationError(`there is no "${shown}"`);
}

function readIndex(list: List, index: Value): Value {
  const number = numberOf(index);
  const at = number === undefined ? Number.NaN : Number(number);
  if (!Number.isInteger(at) || at < 0 || at >= list.size) throw new EvaluationError('a list has no such element');
  return list.at(at);
}

function asDict(value: Value, field: string): Dict {
  if (value instanceof Dict) return value;
  throw new EvaluationError(`"${field}" is read from a value of type ${familyOf(value)}`);
}

function asList(value: Value): List {
  if (value instanceof List) return value;
  throw new EvaluationError(`a value of type ${familyOf(value)} has no elements`);
}

function asBool(value: Value): boolean {
  if (typeof value === 'boolean') return value;
  throw new EvaluationError(`a value of type ${familyOf(value)} is not true or false`);
}

function countNodes(expr: Expr): number {
  return childrenOf(expr).reduce((sum, part) => sum + countNodes(part), 1);
}
