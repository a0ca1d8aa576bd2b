// A process that kills itself: `node doomed-api.ts DATABASE_URL DATA_DIR STEP` serves the API and dies without a word when its
// storage comes to that step.
import { startApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { createLogger } from '../../src/platform/log.ts';
import type { Storage } from '../../src/platform/storage/storage.ts';

const [databaseUrl = '', dataDir = '', step = ''] = process.argv.slice(2);

/** Nothing after it happens: the signal is on its way when the promise is waited for. */
async function dieAt(here: string): Promise<void> {
  if (step !== here) return;
  process.kill(process.pid, 'SIGKILL');
  await new Promise(() => {});
}

async function* dyingAfterTheFirst(source: AsyncIterable<Uint8Array>) {
  for await (const chunk of source) {
    yield chunk;
    await dieAt('bytes');
  }
}

const around = (storage: Storage): Storage => ({
  ...storage,
  async put(key, source) {
    await dieAt('claimed');
    await storage.put(key, dyingAfterTheFirst(source));
    await dieAt('stored');
  },
  async remove(key) {
    await dieAt('removing');
    await storage.remove(key);
    await dieAt('removed');
  },
});

const config = readConfig({ DATABASE_URL: databaseUrl, DATA_DIR: dataDir, PORT: '0', RATE_LIMIT_SCALE: '1000' });
const log = createLogger('info', { write: () => undefined });
const { url } = await startApp(config, { databaseUrl, roles: ['api'], log, storageAround: around });
process.stdout.write(`{"msg":"ready","url":"${url}"}\n`);
