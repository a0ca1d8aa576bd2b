import { execFile, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import type { S3Config } from '../../src/storage.config.ts';
import { freePort } from './free-port.ts';

const run = promisify(execFile);
const programs = ['radosgw', 'ceph-mon', 'ceph-osd', 'ceph', 'monmaptool', 'ceph-authtool', 'radosgw-admin'];

/** Whether Ceph's gateway for S3 is here; CI installs it, so there these tests always run. */
export const hasS3 = programs.every((program) => spawnSync(program, ['--version']).error === undefined);
if (!hasS3) console.warn('radosgw is not installed: storage in S3 is NOT tested in this run.');

/** A Ceph of one monitor and one memory, with a gateway that speaks S3. */
export async function anS3Server(): Promise<{ config: S3Config; remove(): Promise<void> }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'gatehouse-s3-'));
  const remove = async () => {
    await endAll(folder);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const [monPort, port] = [await freePort(), await freePort()];
    const conf = await configure(folder, { monPort, port });
    await startCluster(folder, { conf, monPort });
    await run('radosgw', ['-c', conf, '-n', 'client.rgw']);
    const config = await makeBucket(conf, `http://127.0.0.1:${port}`);
    return { config, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function configure(folder: string, { monPort, port }: { monPort: number; port: number }): Promise<string> {
  for (const name of ['mon', 'osd', 'run', 'log', 'rgw']) await mkdir(path.join(folder, name));
  const conf = path.join(folder, 'ceph.conf');
  const text = `[global]
fsid = ${randomUUID()}
mon host = [v2:127.0.0.1:${monPort}]
auth allow insecure global id reclaim = false
keyring = ${folder}/keyring
public addr = 127.0.0.1
cluster addr = 127.0.0.1
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd crush chooseleaf type = 0
osd objectstore = memstore
memstore device bytes = 4294967296
osd class dir = /usr/lib/x86_64-linux-gnu/rados-classes
mon allow pool size one = true
mon warn on pool no redundancy = false
mon data = ${folder}/mon
osd data = ${folder}/osd
mon data avail warn = 1
mon data avail crit = 1
run dir = ${folder}/run
log file = ${folder}/log/$name.log
pid file = ${folder}/run/$name.pid
admin socket = ${folder}/run/$name.asok
osd max object name len = 256
osd max object namespace len = 64
ms bind ipv6 = false
[client.rgw]
rgw data = ${folder}/rgw
rgw frontends = beast endpoint=127.0.0.1:${port}
rgw thread pool size = 32
`;
  await writeFile(conf, text);
  return conf;
}

async function startCluster(folder: string, { conf, monPort }: { conf: string; monPort: number }): Promise<void> {
  const [keyring, map] = [path.join(folder, 'keyring'), path.join(folder, 'monmap')];
  const fsid = /fsid = (\S+)/.exec(await readFile(conf, 'utf8'))?.[1] ?? '';
  await run('monmaptool', ['--create', '--fsid', fsid, '--addv', 'a', `[v2:127.0.0.1:${monPort}]`, map]);
  const all = { mon: 'allow *', osd: 'allow *', mgr: 'allow *' };
  await addKey(keyring, 'mon.', { mon: 'allow *' });
  await addKey(keyring, 'client.admin', all);
  await addKey(keyring, 'client.rgw', all);
  await addKey(keyring, 'osd.0', { mon: 'allow profile osd', osd: 'allow *', mgr: 'allow profile osd' });
  await run('ceph-mon', ['-c', conf, '--mkfs', '-i', 'a', '--monmap', map, '--keyring', keyring]);
  await run('ceph-mon', ['-c', conf, '-i', 'a']);
  await run('ceph', ['-c', conf, 'osd', 'create']);
  await run('ceph-osd', ['-c', conf, '-i', '0', '--mkfs', '--osd-uuid', randomUUID()]);
  await run('ceph-osd', ['-c', conf, '-i', '0']);
  const isUp = async () => (await run('ceph', ['-c', conf, 'osd', 'stat'])).stdout.includes('1 up');
  while (!(await isUp()));
}

async function addKey(keyring: string, name: string, caps: Record<string, string>): Promise<void> {
  const words = Object.entries(caps).flatMap(([what, may]) => ['--cap', what, may]);
  const create = name === 'mon.' ? ['--create-keyring'] : [];
  await run('ceph-authtool', [keyring, ...create, '--gen-key', '-n', name, ...words]);
}

async function makeBucket(conf: string, endpoint: string): Promise<S3Config> {
  const [accessKeyId, secretAccessKey, bucket] = ['TESTKEY', 'TESTSECRET', 'files'];
  const keys = [`--access-key=${accessKeyId}`, `--secret-key=${secretAccessKey}`];
  await run('radosgw-admin', ['-c', conf, 'user', 'create', '--uid=test', '--display-name=test', ...keys]);
  const region = 'us-east-1';
  const credentials = { accessKeyId, secretAccessKey };
  const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials, maxAttempts: 30 });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
  return { bucket, endpoint, region, accessKeyId, secretAccessKey };
}

/** Ends what wrote its pid into the folder: these processes went into the background by themselves. */
async function endAll(folder: string): Promise<void> {
  for (const name of await readdir(path.join(folder, 'run')).catch(() => [])) {
    if (!name.endsWith('.pid')) continue;
    const pid = Number(await readFile(path.join(folder, 'run', name), 'utf8'));
    // It may have ended by itself.
    if (pid > 0) spawnSync('kill', ['-9', String(pid)]);
  }
}
