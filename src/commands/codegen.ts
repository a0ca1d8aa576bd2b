import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const bin = path.join(root, 'node_modules/.bin');

/** Runs an installed tool with the Node that runs this file; a failure ends this program with the same code. */
function run(tool: string, args: string[], variables: Record<string, string> = {}): void {
  const searchPath = [bin, path.dirname(process.execPath), process.env.PATH].join(path.delimiter);
  const env = { ...process.env, ...variables, PATH: searchPath };
  const { status, error } = spawnSync(process.execPath, [path.join(bin, tool), ...args], {
    cwd: root,
    env,
    stdio: 'inherit',
  });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

// `generate` never starts the schema engine but downloads it unless told where one is. Only this child may be told so:
// with the variable set, `prisma migrate deploy` reports success and does nothing.
run('prisma', ['generate', '--no-hints'], {
  PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
  CHECKPOINT_DISABLE: '1',
  PRISMA_HIDE_UPDATE_MESSAGE: '1',
});

const hasDevelopmentTools = existsSync(path.join(bin, 'graphql-codegen'));
// Documents of tests that are ahead of `schema.graphql` have no types yet: `npm run codegen -- prisma` leaves them out.
if (hasDevelopmentTools && process.argv[2] !== 'prisma') run('graphql-codegen', ['--config', 'codegen.ts', '--silent']);
