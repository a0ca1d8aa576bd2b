import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { reasonOf, StartupError } from './startup-error.ts';

/**
 * Makes the data folder where it is missing, for its owner alone.
 * @throws StartupError when this user may not write there.
 */
export function prepareDataDir(dataDir: string): void {
  try {
    fs.mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    fs.accessSync(dataDir, fs.constants.W_OK | fs.constants.X_OK);
  } catch (error) {
    throw new StartupError(
      `The data folder ${dataDir} cannot be written: ${reasonOf(error)}.\nSet DATA_DIR to a folder that this user may write.`,
    );
  }
}

/**
 * The text of a file that is made once, readable by its owner alone: whole or not there, and the same for all when
 * several programs make it at the same moment.
 */
export function readOrMakeFile(file: string, fresh: string): string {
  if (!fs.existsSync(file)) publish(file, fresh);
  return fs.readFileSync(file, 'utf8');
}

function publish(file: string, text: string): void {
  const draft = `${file}.${randomUUID()}`;
  fs.writeFileSync(draft, text, { mode: 0o600, flush: true });
  try {
    fs.linkSync(draft, file);
  } catch (error) {
    if (!fs.existsSync(file)) throw error;
  } finally {
    fs.unlinkSync(draft);
  }
}
