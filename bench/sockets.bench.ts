import { once } from 'node:events';
import { Client } from 'pg';
import { WebSocket } from 'ws';
import {
  aPerson,
  ask,
  cpuMs,
  type Measured,
  mailedToken,
  residentBytes,
  type SignedIn,
  startGatehouse,
  startProcess,
} from './gatehouse.ts';

const people = 40;
const socketsEach = 50;
const settleMs = 3_000;

/** What 2,000 idle sockets hold, and what one event to all of them costs, as ratios to `ws` alone in the same run. */
async function run(): Promise<void> {
  const bare = await startProcess('bench/bare-sockets.ts', {});
  const gatehouse = await startGatehouse();
  try {
    const plain = await measure(bare, {
      open: () => times(people * socketsEach, () => bareSocket(bare.url)),
      cause: async (sockets) => void sockets.pop()?.send(exampleEvent),
    });
    const owner = await aPerson(gatehouse.url, 'owner@example.com');
    await allowSeats(gatehouse.databaseUrl);
    const admins = await colleagues(gatehouse.url, owner);
    const late = await invite(gatehouse.url, owner, 'late@example.com');
    const ours = await measure(gatehouse, {
      open: async () =>
        (
          await Promise.all(admins.map(({ token }) => times(socketsEach, () => subscribed(gatehouse.url, token))))
        ).flat(),
      cause: async () => void (await aPerson(gatehouse.url, 'late@example.com', late)),
    });
    report(plain, ours);
  } finally {
    await gatehouse.stop();
    await bare.stop();
  }
}

interface Figures {
  readonly sockets: number;
  readonly bytesPerSocket: number;
  readonly cpuMsPerEvent: number;
}

interface Scene {
  open(): Promise<WebSocket[]>;
  /** Makes an event that all of them get. */
  cause(sockets: WebSocket[]): Promise<void>;
}

async function measure({ pid }: Measured, { open, cause }: Scene): Promise<Figures> {
  const before = await residentBytes(pid);
  const sockets = await open();
  await sleep(settleMs);
  const held = (await residentBytes(pid)) - before;
  const cpuBefore = await cpuMs(pid);
  const { length } = sockets;
  const all = sockets.map((socket) => once(socket, 'message'));
  await cause(sockets);
  await Promise.all(all.slice(0, sockets.length));
  const spent = (await cpuMs(pid)) - cpuBefore;
  for (const socket of sockets) socket.terminate();
  return { sockets: length, bytesPerSocket: held / length, cpuMsPerEvent: spent };
}

function report(plain: Figures, ours: Figures): void {
  const ratio = (of: keyof Figures) => (ours[of] / plain[of]).toFixed(1);
  const kib = (bytes: number) => `${(bytes / 1024).toFixed(1)} KiB`;
  console.log(`sockets ${ours.sockets}: all of them got the event`);
  console.log(
    `memory per socket ${kib(ours.bytesPerSocket)}, ws alone ${kib(plain.bytesPerSocket)}: ${ratio('bytesPerSocket')} times`,
  );
  console.log(
    `CPU for one event to all, each judged anew and loaded: ${ratio('cpuMsPerEvent')} times that of a broadcast`,
  );
}

const exampleEvent = JSON.stringify({
  id: '1',
  type: 'next',
  payload: { data: { notifications: { cursor: 'x'.repeat(60) } } },
});

async function bareSocket(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url.replace('http', 'ws'));
  await once(socket, 'open');
  return socket;
}

async function subscribed(url: string, token: string): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }));
  await once(socket, 'message');
  const query = 'subscription { notifications { cursor notification { id type } } }';
  socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }));
  return socket;
}

async function colleagues(url: string, owner: SignedIn): Promise<SignedIn[]> {
  const found: SignedIn[] = [];
  for (let n = 0; n < people; n += 1) {
    const email = `admin-${n}@example.com`;
    found.push(await aPerson(url, email, await invite(url, owner, email)));
  }
  return found;
}

/** More than the free plan has, as a superuser would grant them. */
async function allowSeats(connectionString: string): Promise<void> {
  const client = new Client({ connectionString });
  await client.connect();
  await client.query(`INSERT INTO quota_limits (organization_id, resource, override)
    SELECT id, 'MEMBERS', 1000 FROM organizations`);
  await client.end();
}

async function invite(url: string, { token, organizationId }: SignedIn, email: string): Promise<string> {
  const query = 'mutation ($input: InviteMemberInput!) { inviteMember(input: $input) { __typename } }';
  await ask(url, query, { token, variables: { input: { organizationId, email, role: 'ADMIN' } } });
  return mailedToken(url, email);
}

async function times<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  while (made.length < count) {
    const some = Math.min(25, count - made.length);
    made.push(...(await Promise.all(Array.from({ length: some }, make))));
  }
  return made;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

await run();
