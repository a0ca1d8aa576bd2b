import { parse, projectFiles, testsOf, textOf } from './sources.ts';

/** Lists the rows of docs/findings.md with the tests that carry their ids. `--strict`: exit code 1 when a row has none. */
function listFindings(): void {
  const rows = [...textOf('docs/findings.md').matchAll(/^\| (F\d\d) \| (.*?) \|/gm)];
  const carriers = testsByFinding();
  for (const [, id = '', failure = ''] of rows) {
    const names = carriers.get(id) ?? [];
    console.log(`${names.length > 0 ? '✓' : '·'} ${id}  ${failure}`);
    for (const name of names) console.log(`       ${name}`);
  }
  const open = rows.map(([, id = '']) => id).filter((id) => !carriers.has(id));
  console.log(
    `\n${rows.length - open.length} of ${rows.length} findings have tests.${open.length ? ` Open: ${open.join(' ')}` : ''}`,
  );
  if (open.length > 0 && process.argv.includes('--strict')) process.exitCode = 1;
}

function testsByFinding(): Map<string, string[]> {
  const carriers = new Map<string, string[]>();
  for (const file of projectFiles().filter((name) => /^test\/.*\.test\.ts$/.test(name))) {
    for (const { name } of testsOf(parse(file))) {
      for (const id of findingsIn(name)) carriers.set(id, [...(carriers.get(id) ?? []), `${file}: ${name}`]);
    }
  }
  return carriers;
}

/** The ids that a test's name, or the name of a `describe` around it, begins with: `F06 …` or `F06 F17 …`. */
function findingsIn(name: string): string[] {
  return name.split(' > ').flatMap((part) => /^(?:F\d\d[ ,]+)+/.exec(part)?.[0].match(/F\d\d/g) ?? []);
}

listFindings();
