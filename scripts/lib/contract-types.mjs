import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { API, NodeBuilderFlags, SymbolFlags } from 'typescript/unstable/sync';
import { root } from './root.mjs';

/**
 * Prints types of `src/contract` with all that they refer to, as declarations that stand alone: `z.infer<typeof schema>`
 * is written out as what it comes to. `wanted` maps names to modules. The compiler calls this API unstable; the lock file
 * pins it, and test/e2e/package.test.ts compares the result with the sources.
 */
export function printContractTypes(wanted) {
  const api = new API({ cwd: root });
  try {
    const [project] = api.updateSnapshot({ openProject: join(root, 'tsconfig.build.json') }).getProjects();
    return new Printer(project).print(wanted);
  } finally {
    api.close();
  }
}

class Printer {
  constructor({ checker, program }) {
    this.checker = checker;
    /** Exported types by name. */
    this.types = new Map();
    /** Names by the id of what they come to. */
    this.names = new Map();
    const folder = join(root, 'src', 'contract');
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.ts'))) {
      const source = program.getSourceFile(join(folder, file));
      if (source === undefined) continue;
      for (const symbol of checker.getExportsOfModule(checker.getSymbolAtLocation(source))) {
        if ((symbol.flags & SymbolFlags.Type) === 0) continue;
        const type = checker.getDeclaredTypeOfSymbol(symbol);
        const module = file.slice(0, -'.ts'.length);
        this.types.set(symbol.name, { symbol, type, module, source });
        if (type.isUnionType() || type.isObjectType()) this.names.set(type.id, symbol.name);
      }
    }
    /** The unions among them, the longest first. */
    this.unions = [...this.types.values()]
      .filter(({ type }) => type.isUnionType())
      .map(({ symbol, type }) => ({ name: symbol.name, ids: type.getTypes().map(({ id }) => id) }))
      .toSorted((a, b) => b.ids.length - a.ids.length);
  }

  print(wanted) {
    this.queue = new Set();
    for (const [name, module] of wanted) {
      if (this.types.get(name)?.module !== module) throw new Error(`No type ${name} in src/contract/${module}.ts`);
      this.queue.add(name);
    }
    const printed = [];
    // Grows while it is printed.
    for (const name of this.queue) printed.push(this.declare(name));
    return `/** What crosses the HTTP boundary. */\n\n${printed.join('\n\n')}\n`;
  }

  declare(name) {
    const { symbol, type, source } = this.types.get(name);
    const [declaration] = symbol.declarations.map((handle) => handle.resolve());
    const text = source.text.slice(declaration.pos, declaration.end).trim();
    if (!/\bz\.infer\b|\btypeof\b/.test(text)) {
      for (const word of text.match(/\b[A-Z]\w+/g)) if (this.types.has(word)) this.queue.add(word);
      return text;
    }
    return `${comment(this.checker.getDocumentationCommentOfSymbol(symbol), '')}export type ${name} = ${this.write(type, '')};`;
  }

  /** A type, or its name where it has one. */
  refer(type, indent) {
    const name = this.names.get(type.id);
    if (name === undefined) return this.write(type, indent);
    this.queue.add(name);
    return name;
  }

  write(type, indent) {
    const { checker } = this;
    if (type.isUnionType()) return this.writeUnion(type.getTypes(), indent);
    if (checker.isArrayType(type)) {
      const [element] = checker.getTypeArguments(type);
      const text = this.refer(element, indent);
      const isReadonly = type.getTarget().getSymbol()?.name === 'ReadonlyArray';
      return `${isReadonly ? 'readonly ' : ''}${/[|&]/.test(text) && !text.startsWith('{') ? `(${text})` : text}[]`;
    }
    if (type.isObjectType() && !checker.isTupleType(type)) return this.writeObject(type, indent);
    return this.plain(type);
  }

  writeUnion(types, indent) {
    // `CallClass | null` is one flat union to the compiler.
    const named = this.unions.find(({ ids }) => ids.length < types.length && ids.every((id) => hasId(types, id)));
    if (named !== undefined) {
      this.queue.add(named.name);
      const rest = types.filter(({ id }) => !named.ids.includes(id));
      return `${named.name} | ${this.writeUnion(rest, indent)}`;
    }
    const texts = types.map((type) => this.refer(type, indent));
    const isBoolean = texts.includes('true') && texts.includes('false');
    const rest = texts.filter((text) => !isBoolean || (text !== 'true' && text !== 'false'));
    // Null and undefined stand last, as one writes them.
    const rank = (text) => ['null', 'undefined'].indexOf(text);
    return [...(isBoolean ? ['boolean'] : []), ...rest].toSorted((a, b) => rank(a) - rank(b)).join(' | ');
  }

  writeObject(type, indent) {
    const { checker } = this;
    const inner = `${indent}  `;
    const lines = checker.getPropertiesOfType(type).map((property) => {
      const isOptional = (property.flags & SymbolFlags.Optional) !== 0;
      const name = /^[A-Za-z_$][\w$]*$/.test(property.name) ? property.name : JSON.stringify(property.name);
      const value = this.refer(checker.getTypeOfSymbol(property), inner);
      const doc = comment(checker.getDocumentationCommentOfSymbol(property), inner);
      return `${doc === '' ? '' : inner + doc}${inner}${name}${isOptional ? '?' : ''}: ${value};`;
    });
    for (const { keyType, valueType, isReadonly } of checker.getIndexInfosOfType(type)) {
      const key = `[key: ${this.plain(keyType)}]`;
      lines.push(`${inner}${isReadonly ? 'readonly ' : ''}${key}: ${this.refer(valueType, inner)};`);
    }
    return lines.length === 0 ? this.plain(type) : `{\n${lines.join('\n')}\n${indent}}`;
  }

  plain(type) {
    const text = this.checker.typeToString(type, undefined, NodeBuilderFlags.NoTruncation);
    if (/import\(|^any$/.test(text)) throw new Error(`A type of the contract cannot be written out: ${text}`);
    return text;
  }
}

function hasId(types, wanted) {
  return types.some(({ id }) => id === wanted);
}

function comment(text, indent) {
  if (text === '') return '';
  const lines = text.split('\n');
  if (lines.length === 1) return `/** ${text} */\n`;
  return `/**\n${lines.map((line) => `${indent} * ${line}`.trimEnd()).join('\n')}\n${indent} */\n`;
}
