import { readdir } from 'node:fs/promises';

/** `npm run bench -- sockets` answers one question, `npm run bench` all of them: ratios measured in one run each. */
const questions = (await readdir(import.meta.dirname))
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.replace('.bench.ts', ''));
// A number is a size for the one before it.
const asked = process.argv.slice(2).filter((word) => Number.isNaN(Number(word)));
const unknown = asked.filter((name) => !questions.includes(name));
if (unknown.length > 0) throw new Error(`There is no ${unknown.join()}; there are ${questions.join(', ')}.`);
for (const name of asked.length > 0 ? asked : questions) {
  console.log(`\n# ${name}`);
  await import(`./${name}.bench.ts`);
}
