import { existsSync } from 'node:fs';
import { cp, symlink } from 'node:fs/promises';
import path from 'node:path';
import { root } from './sources.ts';

const notSource = ['node_modules', '.git', '.data'];

/** A copy of the project in a folder, with the packages of this one. */
export async function copyProject(folder: string, { withGenerated }: { withGenerated: boolean }): Promise<void> {
  const leftBehind = withGenerated ? notSource : [...notSource, 'generated'];
  await cp(root, folder, { recursive: true, filter: (source) => !leftBehind.includes(path.basename(source)) });
  // A workspace may have some of its own.
  for (const modules of ['node_modules', 'examples/apollo/node_modules'])
    if (existsSync(path.join(root, modules))) await symlink(path.join(root, modules), path.join(folder, modules));
}
