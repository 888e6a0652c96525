const test = 'test/unit/policy-totality.test.ts';

export const controls = [
  {
    point: 6,
    what: 'values of two types are not compared',
    file: 'src/domain/policy/cel-compare.ts',
    find: '  return family === other ? family : refuseTypes(family, other);',
    replace: '  void (() => refuseTypes(family, other));\n  return family;',
    test,
    name: 'are an error for every value of another type',
  },
  {
    point: 6,
    what: 'another spelling of a key is an error',
    file: 'src/domain/policy/cel-compare.ts',
    find: 'if (found.length !== spellings.length || found.length > 1) refuseSpelling(text);',
    replace: '',
    test,
    name: 'is an error wherever the key is read',
  },
  {
    point: 6,
    what: 'fold: ascii refuses what is not ASCII',
    file: 'src/domain/policy/fold.ts',
    find: 'if (!/^[\\x20-\\x7e]*$/.test(text)) throw',
    replace: "if (text === '\\u0000') throw",
    test,
    name: 'fold: ascii',
  },
  {
    point: 6,
    what: 'a failed forbidden rule blocks',
    file: 'src/domain/policy/classify.ts',
    find: "const strict = stricterClass('irreversible', callClass);",
    replace: "const strict = 'irreversible' as const;",
    test,
    name: 'counts as irreversible, or as what the rule sets',
  },
  {
    point: 6,
    what: 'a raising rule over an open schema is refused',
    file: 'src/domain/policy/check-conditions.ts',
    find: '...tellOpen(open.filter(isError)),',
    replace: '',
    test,
    name: 'refuses one that reads',
  },
  {
    point: 1,
    what: 'one budget over all rules and matches of a call',
    file: 'src/domain/policy/classify.ts',
    find: '    const verdicts = asked.map((input) => condition.expression.evaluate(input));',
    replace:
      '    const verdicts = asked.map((input) => condition.expression.evaluate({ ...input, session: createSession() }));',
    test,
    name: 'is one over all rules',
  },
];
