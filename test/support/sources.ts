import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

export const root = path.resolve(import.meta.dirname, '../..');

const notOurs = new Set(['node_modules', '.git', '.data', 'generated']);

/** Every file of the project that a person wrote, as paths from its root with `/`. */
export function projectFiles(): string[] {
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => !notOurs.has(entry.name))
    .flatMap((entry) => (entry.isDirectory() ? filesUnder(entry.name) : [entry.name]))
    .sort();
}

function filesUnder(folder: string): string[] {
  return readdirSync(path.join(root, folder), { withFileTypes: true })
    .filter((entry) => !notOurs.has(entry.name))
    .flatMap((entry) => {
      const inside = `${folder}/${entry.name}`;
      return entry.isDirectory() ? filesUnder(inside) : [inside];
    });
}

export function textOf(file: string): string {
  return readFileSync(path.join(root, file), 'utf8');
}

export function parse(file: string): ts.SourceFile {
  return ts.createSourceFile(file, textOf(file), ts.ScriptTarget.Latest, true);
}

/** `node` and everything below it. */
export function* nodesOf(node: ts.Node): Generator<ts.Node> {
  yield node;
  const children: ts.Node[] = [];
  ts.forEachChild(node, (child) => void children.push(child));
  for (const child of children) yield* nodesOf(child);
}

export interface Import {
  /** Path from the root. */
  readonly target: string;
  /** Gone at run time. */
  readonly isType: boolean;
  readonly isNamespace: boolean;
}

/** The project's own files that `source` imports or re-exports. */
export function importsOf(source: ts.SourceFile): Import[] {
  return [...nodesOf(source)].flatMap((node) => {
    const specifier = specifierOf(node);
    if (!specifier?.startsWith('.')) return [];
    const target = path.posix.join(path.posix.dirname(source.fileName), specifier);
    const clause = ts.isImportDeclaration(node) ? node.importClause : undefined;
    const isNamespace = clause?.namedBindings !== undefined && ts.isNamespaceImport(clause.namedBindings);
    return [{ target, isType: isTypeOnly(node), isNamespace }];
  });
}

function specifierOf(node: ts.Node): string | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return literalOf(node.moduleSpecifier);
  const isDynamicImport = ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword;
  return isDynamicImport ? literalOf(node.arguments[0]) : undefined;
}

function literalOf(node: ts.Node | undefined): string | undefined {
  return node && ts.isStringLiteralLike(node) ? node.text : undefined;
}

function isTypeOnly(node: ts.Node): boolean {
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  if (!ts.isImportDeclaration(node) || !node.importClause) return false;
  const { phaseModifier, name, namedBindings } = node.importClause;
  if (phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  if (name || !namedBindings || !ts.isNamedImports(namedBindings)) return false;
  return namedBindings.elements.every((element) => element.isTypeOnly);
}

/** Lines from the first to the last of `node`, its comments left out. */
export function linesOf(node: ts.Node): number {
  const source = node.getSourceFile();
  const first = source.getLineAndCharacterOfPosition(node.getStart()).line;
  return source.getLineAndCharacterOfPosition(node.getEnd()).line - first + 1;
}

/** Where `node` stands, for a failure that can be clicked. */
export function placeOf(node: ts.Node): string {
  const source = node.getSourceFile();
  return `${source.fileName}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
}

export interface NamedTest {
  /** The names of the `describe`s around it and its own, joined by ` > `. */
  readonly name: string;
  readonly ownName: string;
  readonly place: string;
}

/** The tests of a file whose names are written out. */
export function testsOf(source: ts.SourceFile): NamedTest[] {
  const found: NamedTest[] = [];
  const walk = (node: ts.Node, outer: readonly string[]): void => {
    const call = testCallOf(node);
    const names = call ? [...outer, call.name] : outer;
    if (call && call.kind !== 'describe') {
      found.push({ name: names.join(' > '), ownName: call.name, place: placeOf(node) });
    }
    ts.forEachChild(node, (child) => walk(child, names));
  };
  walk(source, []);
  return found;
}

/** `test('…')`, `test.each(…)('…')`, `describe.for(…)('…')` and the like. */
function testCallOf(node: ts.Node): { kind: string; name: string } | undefined {
  if (!ts.isCallExpression(node)) return undefined;
  const kind = /^(?:test|it|describe)\b/.exec(node.expression.getText())?.[0];
  const name = literalOf(node.arguments[0]) ?? templateOf(node.arguments[0]);
  return kind && name !== undefined ? { kind, name } : undefined;
}

function templateOf(node: ts.Node | undefined): string | undefined {
  return node && ts.isTemplateExpression(node) ? node.getText().slice(1, -1) : undefined;
}
