// Takes the protection of each finding out, one after the other in a copy of the project, and wants a test with its id to fail:
// `npm run findings:break`, or with the ids of some after `--`.
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Break, breaks } from './breaks.ts';
import { copyProject } from './project-copy.ts';

const folder = await mkdtemp(path.join(tmpdir(), 'gatehouse-broken-'));
const wanted = process.argv.slice(2);

/** The tests that a break turned red, by name. */
async function redTests({ finding, file, from, to, test }: Break): Promise<string[]> {
  const target = path.join(folder, file);
  const whole = await readFile(target, 'utf8');
  await writeFile(
    target,
    whole.replace(from, () => to),
  );
  const report = path.join(folder, 'report.json');
  const vitest = path.join(folder, 'node_modules/vitest/vitest.mjs');
  const options = ['-t', finding, '--reporter=json', `--outputFile=${report}`];
  spawnSync(process.execPath, [vitest, 'run', test, ...options], { cwd: folder, stdio: 'ignore' });
  await writeFile(target, whole);
  const { testResults } = JSON.parse(await readFile(report, 'utf8')) as Report;
  await rm(report);
  return testResults.flatMap(({ assertionResults }) =>
    assertionResults
      .filter(({ status, fullName }) => status === 'failed' && fullName.includes(finding))
      .map(({ fullName }) => fullName),
  );
}

interface Report {
  readonly testResults: { readonly assertionResults: { readonly status: string; readonly fullName: string }[] }[];
}

try {
  await copyProject(folder, { withGenerated: true });
  for (const one of breaks.filter(({ finding }) => wanted.length === 0 || wanted.includes(finding))) {
    const red = await redTests(one);
    if (red.length === 0) process.exitCode = 1;
    const [first = 'stays green', ...others] = red;
    console.log(
      `${red.length > 0 ? '✓' : '·'} ${one.finding}  ${one.test}: ${first}${others.length > 0 ? ` and ${others.length} more` : ''}`,
    );
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
