// A process that kills itself: `node doomed-api.ts DATABASE_URL DATA_DIR STEP [VARIABLES]` serves the API and dies without a
// word when its storage comes to that step. With the STEP `as told` it reads the step from the file `doom` in DATA_DIR each time,
// says `reached` with the rest of that file, and stays there until it is killed. With VARIABLES, further ones of the environment as JSON, it works on jobs too.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type AppRole, startApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { createLogger } from '../../src/platform/log.ts';
import type { Storage } from '../../src/platform/storage/storage.ts';

const [databaseUrl = '', dataDir = '', step = '', variables = ''] = process.argv.slice(2);
/** So many that S3 has a part of them. */
const partBytes = 9 * 1024 * 1024;

/** Nothing after it happens: the signal is on its way when the promise is waited for. */
async function dieAt(here: string): Promise<void> {
  const [wanted, name] = step === 'as told' ? readFileSync(path.join(dataDir, 'doom'), 'utf8').split(' ') : [step];
  if (wanted !== here) return;
  if (name === undefined) process.kill(process.pid, 'SIGKILL');
  else process.stdout.write(`reached ${name}\n`);
  await new Promise(() => {});
}

async function* dyingOnTheWay(source: AsyncIterable<Uint8Array>) {
  let bytes = 0;
  for await (const chunk of source) {
    yield chunk;
    bytes += chunk.length;
    await dieAt('bytes');
    if (bytes > partBytes) await dieAt('part');
  }
}

/** Whether the last object that was stored is a smaller picture. */
let isThumbnail = false;
async function* noticing(source: AsyncIterable<Uint8Array>) {
  isThumbnail = false;
  for await (const chunk of source) {
    isThumbnail ||= Buffer.from(chunk).toString('latin1', 8, 12) === 'WEBP';
    yield chunk;
  }
}

const around = (storage: Storage): Storage => ({
  ...storage,
  async put(key, source) {
    await dieAt('claimed');
    await storage.put(key, noticing(dyingOnTheWay(source)));
    await dieAt('stored');
    if (isThumbnail) await dieAt('thumbnail');
  },
  async append(draft, size, source) {
    await storage.append(draft, size, dyingOnTheWay(source));
    await dieAt('appended');
  },
  async finish(draft) {
    await dieAt('finishing');
    await storage.finish(draft);
    await dieAt('finished');
  },
  async remove(key) {
    await dieAt('removing');
    await storage.remove(key);
    await dieAt('removed');
  },
});

const given = { DATABASE_URL: databaseUrl, DATA_DIR: dataDir, PORT: '0', RATE_LIMIT_SCALE: '1000' };
const config = readConfig({ ...given, ...JSON.parse(variables || '{}') });
const log = createLogger('info', { write: () => undefined });
const roles: AppRole[] = variables ? ['api', 'worker'] : ['api'];
const { url } = await startApp(config, { databaseUrl, roles, log, storageAround: around });
process.stdout.write(`{"msg":"ready","url":"${url}"}\n`);
