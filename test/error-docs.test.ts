import { isInterfaceType } from 'graphql';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { closeCatalog, errorCatalog, resultRetries, transferRetries } from '../src/edge/error-catalog.ts';
import { codeOfType, errorPaper } from '../src/edge/error-paper.ts';
import { transferStatuses } from '../src/edge/upload-answers.ts';
import { schema } from '../src/graphql/schema.ts';
import { nodesOf, parse, projectFiles, textOf } from './support/sources.ts';

const page = textOf('docs/errors.md');
const sources = projectFiles().filter((file) => file.startsWith('src/') && file.endsWith('.ts'));
const isCode = /^[A-Z][A-Z_]+[A-Z]$/;

/** `X extends AppError` with its code, and what is thrown without a class of its own. */
function thrownCodes(): Map<string, string> {
  const codes = new Map<string, string>();
  for (const file of sources) {
    for (const node of nodesOf(parse(file))) {
      const code = codeIn(node);
      if (code) codes.set(code, file);
    }
  }
  return codes;
}

function codeIn(node: ts.Node): string | null {
  const isThrown =
    (ts.isNewExpression(node) && node.expression.getText() === 'AppError') ||
    (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.SuperKeyword && extendsAppError(node));
  const first = isThrown ? node.arguments?.[0] : undefined;
  if (first && ts.isStringLiteral(first)) return first.text;
  const isField =
    ts.isPropertyAssignment(node) && node.name.getText() === 'code' && ts.isStringLiteral(node.initializer);
  return isField && isCode.test(node.initializer.text) ? node.initializer.text : null;
}

function extendsAppError(node: ts.Node): boolean {
  let parent = node.parent;
  while (!ts.isClassDeclaration(parent)) parent = parent.parent;
  return parent.heritageClauses?.some((clause) => clause.getText() === 'extends AppError') ?? false;
}

describe('docs/errors.md', () => {
  test('is what the source says; `npm run errors:docs` writes it', () => {
    expect(page).toBe(errorPaper(schema));
  });

  test('has every code that src can answer with', () => {
    const codes = thrownCodes();
    expect(codes.size).toBeGreaterThan(25);
    // Becomes `MfaChallenge`, which is no refusal.
    codes.delete('SECOND_FACTOR_NEEDED');
    expect([...codes].filter(([code]) => !page.includes(`| \`${code}\` |`))).toEqual([]);
    for (const code of Object.keys(transferStatuses)) expect(page).toContain(`| \`${code}\` |`);
  });

  test('names no code that nothing answers with', () => {
    const text = sources
      .filter((file) => !/error-(catalog|paper)\.ts$/.test(file))
      .map(textOf)
      .join('\n');
    for (const code of [...Object.keys(errorCatalog), ...Object.keys(transferRetries)])
      expect(text).toMatch(new RegExp(`\\b${code}\\b`));
  });

  test('says of every refusal of a result union whether to try again', () => {
    const common = schema.getType('Error');
    const types = isInterfaceType(common) ? schema.getImplementations(common).objects.map(({ name }) => name) : [];
    expect(Object.keys(resultRetries).sort()).toEqual([...types].sort());
    const thrown = textOf('src/errors.ts');
    for (const name of types) {
      const [, code] = new RegExp(`class ${name} extends AppError \\{.*?super\\('(\\w+)'`, 's').exec(thrown) ?? [];
      expect(codeOfType(name)).toBe(code);
    }
  });

  test('has every code with which a socket is closed', () => {
    const sockets = ['src/edge/ws.ts', 'src/edge/socket-operations.ts'].map(textOf).join('\n');
    const ours = [...sockets.matchAll(/\b(1\d{3}), '/g)].map(([, code]) => Number(code));
    // Those of the library; 4004 is for clients, and no version of ours sends 4499, 4504 or 4005.
    const byLibrary = [4400, 4401, 4403, 4406, 4408, 4409, 4429, 4500];
    expect(ours).toContain(1001);
    expect(closeCatalog.map(({ code }) => code)).toEqual(expect.arrayContaining([...byLibrary, ...ours]));
  });
});
