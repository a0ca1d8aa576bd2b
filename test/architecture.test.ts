import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { schema } from '../src/graphql/schema.ts';
import { areas, drawers, environmentReaders, groundFloor, openToOtherDomains, sizes } from './support/house.ts';
import { importsOf, linesOf, nodesOf, parse, placeOf, projectFiles, testsOf, textOf } from './support/sources.ts';

const files = projectFiles();
const scripts = files.filter((file) => file.endsWith('.ts'));
const sources = new Map(scripts.map((file) => [file, parse(file)]));
const inside = (folder: string) => [...sources.values()].filter((source) => source.fileName.startsWith(folder));
const src = inside('src/');
const tests = inside('test/').filter((source) => source.fileName.endsWith('.test.ts'));

const areaOf = (file: string) => areas.find((area) => area.files.test(file.replace(/^src\//, '')));
const domainOf = (file: string) => /^src\/domains\/([^/]+)\//.exec(file)?.[1];

describe('imports', () => {
  test('every file of src belongs to an area of the house', () => {
    expect(src.map((source) => source.fileName).filter((file) => !areaOf(file))).toEqual([]);
  });

  test('point downwards only', () => {
    const upwards = src.flatMap((source) => {
      const allowed = areaOf(source.fileName)?.mayImport ?? [];
      return importsOf(source)
        .filter(({ target, isType }) => {
          const name = areaOf(target)?.name ?? 'no area';
          return !allowed.includes(name) && !(isType && allowed.includes(`type ${name}`));
        })
        .map(({ target }) => `${source.fileName} → ${target}`);
    });
    expect(upwards).toEqual([]);
  });

  test('reach into another domain only through what it shows', () => {
    const crossings = src.flatMap((source) => {
      const domain = domainOf(source.fileName);
      // A field of one domain's type may return a type of another.
      const open = areaOf(source.fileName)?.name === 'schema' ? ['schema', ...openToOtherDomains] : openToOtherDomains;
      return importsOf(source)
        .filter(({ target }) => domain && domainOf(target) && domainOf(target) !== domain)
        .filter(({ target }) => !open.includes(areaOf(target)?.name ?? ''))
        .map(({ target }) => `${source.fileName} → ${target}`);
    });
    expect(crossings).toEqual([]);
  });

  test('of services form no ring between domains', () => {
    const calls = callsBetweenDomains();
    const rings = [...calls.keys()].filter((domain) => reachableFrom(domain, calls).has(domain));
    expect(rings).toEqual([]);
  });

  test('of the ground floor lead to no domain above it', () => {
    const calls = callsBetweenDomains();
    const above = Object.entries(groundFloor).flatMap(([domain, allowed]) =>
      [...(calls.get(domain) ?? [])]
        .filter((called) => !allowed.includes(called))
        .map((called) => `${domain} → ${called}`),
    );
    expect(above).toEqual([]);
  });
});

function callsBetweenDomains(): Map<string, Set<string>> {
  const calls = new Map<string, Set<string>>();
  for (const source of src) {
    const caller = domainOf(source.fileName);
    if (!caller || areaOf(source.fileName)?.name !== 'service') continue;
    for (const { target } of importsOf(source)) {
      const called = domainOf(target);
      if (!called || called === caller || areaOf(target)?.name !== 'service') continue;
      calls.set(caller, (calls.get(caller) ?? new Set()).add(called));
    }
  }
  return calls;
}

function reachableFrom(domain: string, calls: Map<string, Set<string>>): Set<string> {
  const reached = new Set<string>();
  const open = [domain];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const called of calls.get(next) ?? []) {
      if (!reached.has(called)) open.push(called);
      reached.add(called);
    }
  }
  return reached;
}

describe('the schema', () => {
  test('says of every root field who may call it', () => {
    const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
    const silent = roots.flatMap((root) =>
      Object.values(root?.getFields() ?? {})
        .filter((field) => !(field.extensions.pothosOptions as { authScopes?: unknown } | undefined)?.authScopes)
        .map((field) => `${root?.name}.${field.name}`),
    );
    expect(silent).toEqual([]);
  });
});

describe('files', () => {
  test('have names that say what they hold', () => {
    const folders = files.filter((file) => /^(src|test|prisma|bench)\//.test(file));
    const isDrawer = (name: string) => drawers.some((drawer) => drawer.test(name));
    expect(folders.filter((file) => file.split('/').some(isDrawer))).toEqual([]);
  });

  test(`have at most ${sizes.fileLines} lines, and functions ${sizes.functionLines} and ${sizes.parameters} parameters`, () => {
    const longFiles = scripts.filter((file) => textOf(file).trimEnd().split('\n').length > sizes.fileLines);
    const nodes = src.flatMap((source) => [...nodesOf(source)]);
    const long = nodes.filter((node) => ts.isFunctionLike(node) && linesOf(node) > sizes.functionLines);
    // Callbacks take what their library gives them.
    const greedy = nodes.filter((node) => ts.isFunctionDeclaration(node) && node.parameters.length > sizes.parameters);
    expect([...longFiles, ...[...long, ...greedy].map(placeOf)]).toEqual([]);
  });

  test('know the environment through config.ts alone', () => {
    const readers = [...inside('src/'), ...inside('prisma'), ...inside('bench/')]
      .filter((source) => !environmentReaders.some((file) => source.fileName.startsWith(file)))
      .filter((source) => [...nodesOf(source)].some((node) => /^process\s*\.\s*env$/.test(nameOf(node))));
    expect(readers.map((source) => source.fileName)).toEqual([]);
  });

  test('use no `any`, switch no type error off and leave nothing for later', () => {
    const anys = [...sources.values()].flatMap((source) =>
      [...nodesOf(source)].filter((node) => node.kind === ts.SyntaxKind.AnyKeyword).map(placeOf),
    );
    const marks = new RegExp(
      ['@ts-(ignore|expect-error|nocheck)', '\\b(TO' + 'DO|FIX' + 'ME|XX' + 'X|HA' + 'CK)\\b'].join('|'),
    );
    const marked = scripts.filter((file) => file !== 'test/architecture.test.ts' && marks.test(textOf(file)));
    expect([...anys, ...marked]).toEqual([]);
  });

  test('name no path of the machine that they were written on', () => {
    const machinePath = /(?<![\w.:/])\/(?:root|work|farm|Users|home)\/\w/;
    const named = files.filter((file) => file !== 'package-lock.json' && machinePath.test(textOf(file)));
    expect(named).toEqual([]);
  });
});

function nameOf(node: ts.Node): string {
  return ts.isPropertyAccessExpression(node) ? node.getText() : '';
}

describe('tests', () => {
  test('are never switched off', () => {
    const off = tests.flatMap((source) =>
      [...nodesOf(source)]
        .filter((node) => /^(it|test|describe)\b.*\.(skip|only|todo|fails)$/.test(nameOf(node)))
        .map(placeOf),
    );
    expect(off).toEqual([]);
  });

  test('of one file have names of their own', () => {
    const twins = tests.flatMap((source) => {
      const names = testsOf(source).map(({ name }) => name);
      return names.filter((name, at) => names.indexOf(name) !== at).map((name) => `${source.fileName}: ${name}`);
    });
    expect(twins).toEqual([]);
  });
});

describe('the papers', () => {
  test('name files and folders that are there', () => {
    const papers = files.filter((file) => file.endsWith('.md') && file !== 'docs/decisions/000-template.md');
    const lost = papers.flatMap((paper) =>
      [...textOf(paper).matchAll(/`((?:src|test|prisma|docs|bench|\.ci)\/[\w./-]+)`/g)]
        .map(([, name = '']) => name)
        .filter((name) => !name.includes('generated') && !files.some((file) => file === name || file.startsWith(name)))
        .map((name) => `${paper}: ${name}`),
    );
    expect(lost).toEqual([]);
  });

  test.each(['SECURITY.md', 'docs/asvs.md'])('name tests that are there: %s', (paper) => {
    const named = [...textOf(paper).matchAll(/`([\w/-]+) › ([^`]+)`/g)];
    const isThere = ([, file, name]: RegExpExecArray) => {
      const source = sources.get(`test/${file}.test.ts`);
      return source !== undefined && testsOf(source).some(({ ownName }) => ownName === name);
    };
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((test) => !isThere(test)).map(([text]) => text)).toEqual([]);
  });
});

describe('the database', () => {
  test('is written to by services, platform and commands alone', () => {
    const writes = src
      .filter((source) => !['service', 'platform', 'commands'].includes(areaOf(source.fileName)?.name ?? ''))
      .flatMap((source) => [...nodesOf(source)].filter(isDatabaseWrite).map(placeOf));
    expect(writes).toEqual([]);
  });

  test('opens transactions in `transact` alone', () => {
    const others = src
      .filter((source) => source.fileName !== 'src/platform/db.ts')
      .flatMap((source) => [...nodesOf(source)].filter((node) => /\.\$transaction$/.test(nameOf(node))).map(placeOf));
    expect(others).toEqual([]);
  });

  test('finds the rows of one organization by an index that begins with it', () => {
    const models = [...textOf('prisma/schema.prisma').matchAll(/^model (\w+) \{\n(.*?)^\}/gms)];
    const slow = models
      .map(([, name = '', body = '']) => ({ name, body }))
      .filter(({ body }) => /^ {2}organizationId\s/m.test(body))
      .filter(({ body }) => !/@@(index|unique|id)\(\[organizationId\b/.test(body))
      .filter(({ body }) => !/^ {2}organizationId\s.*@(id|unique)\b/m.test(body));
    expect(models.length).toBeGreaterThan(0);
    expect(slow.map(({ name }) => name)).toEqual([]);
  });
});

function isDatabaseWrite(node: ts.Node): boolean {
  if (ts.isTaggedTemplateExpression(node)) return /\.\$executeRaw$/.test(node.tag.getText());
  if (!ts.isCallExpression(node)) return false;
  const callee = node.expression.getText();
  return (
    /\.\$(executeRaw|executeRawUnsafe)$/.test(callee) ||
    /\b(db|tx)\.\w+\.(create|update|upsert|delete)(Many)?(AndReturn)?$/.test(callee)
  );
}
