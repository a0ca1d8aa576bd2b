// How fast webhooks go out: as a ratio to a bare loop of requests, and how much one slow receiver costs the others.
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { startApp } from '../src/app.ts';
import { migrateDatabase } from '../src/commands/migrate.ts';
import { readConfig } from '../src/config.ts';
import { type Ctx, systemCtx } from '../src/context.ts';
import { recordEvent } from '../src/domains/events/events.service.ts';
import { sealFor } from '../src/domains/webhooks/endpoint-access.service.ts';
import { newWebhookSecret, secretHintOf } from '../src/domains/webhooks/webhook-secret.ts';
import { openDatabase } from '../src/platform/database.ts';
import { transact } from '../src/platform/db.ts';
import { createLogger } from '../src/platform/log.ts';
import { encodeId, newId } from '../src/platform/typeid.ts';

const samples = 200;
const everyMs = 25;
const slowMs = 10_000;
const slowWaiting = 100;
const endpoints = 40;
const eventsEach = 25;

const dataDir = await mkdtemp(path.join(tmpdir(), 'gatehouse-bench-'));
const config = readConfig({ DATA_DIR: dataDir, PORT: '0', WEBHOOK_ALLOW_CIDRS: '127.0.0.0/8' });
const log = createLogger('silent');
const database = await openDatabase(config, log);
await migrateDatabase(database.url);
const app = await startApp(config, { databaseUrl: database.url, roles: ['worker'], log });
const ctx = systemCtx(app.platform);

/** When each request of the quick receiver came, by the name in its event. */
const arrivals = new Map<string, number>();
let count = 0;
const server = createServer(onRequest).listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

async function onRequest(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  if (incoming.url === '/slow') await delay(slowMs, undefined, { ref: false });
  if (incoming.url === '/quick')
    arrivals.set(JSON.parse(Buffer.concat(chunks).toString()).data.name, performance.now());
  count += 1;
  response.end();
}

async function anEndpoint(at: string): Promise<string> {
  const organizationId = newId();
  const owned = { id: newId(), organizationId };
  const createdAt = ctx.now();
  await ctx.db.organization.create({ data: { id: organizationId, name: at, slug: organizationId, createdAt } });
  const secret = newWebhookSecret();
  await ctx.db.webhookEndpoint.create({
    data: {
      ...owned,
      url: `${url}${at}`,
      eventTypes: ['organization.updated'],
      status: 'ENABLED',
      secret: sealFor(ctx, owned, { column: 'secret', value: secret }),
      secretHint: secretHintOf(secret),
      receivesSince: createdAt,
      createdAt,
    },
  });
  return organizationId;
}

function happen(ctx: Ctx, organizationId: string, name: string): Promise<void> {
  const data = { organizationId: encodeId('Organization', organizationId), name, slug: 'slug' };
  return transact(ctx, (ctx) => recordEvent(ctx, { organizationId, type: 'organization.updated', data }));
}

/** Milliseconds from the commit of an event to its arrival. */
async function latencies(organizationId: string, round: string): Promise<number[]> {
  const committed: [string, number][] = [];
  for (let i = 0; i < samples; i += 1) {
    await happen(ctx, organizationId, `${round}-${i}`);
    committed.push([`${round}-${i}`, performance.now()]);
    await delay(everyMs);
  }
  while (committed.some(([name]) => !arrivals.has(name))) await delay(20);
  return committed.map(([name, at]) => Math.max(0, (arrivals.get(name) ?? 0) - at)).sort((a, b) => a - b);
}

async function perSecond(work: () => Promise<void>): Promise<number> {
  count = 0;
  const startedAt = performance.now();
  await work();
  while (count < endpoints * eventsEach) await delay(5);
  return (count * 1000) / (performance.now() - startedAt);
}

/** As many requests of the same size, as many at once as the program sends, without a row, a signature or a lease. */
async function bareLoop(): Promise<void> {
  const agent = new Agent();
  const body = 'x'.repeat(200);
  let left = endpoints * eventsEach;
  const lane = async () => {
    for (; left > 0; left -= 1) {
      const answer = await request(`${url}/bare`, { method: 'POST', body, dispatcher: agent });
      await answer.body.dump();
    }
  };
  await Promise.all(Array.from({ length: 64 }, lane));
  await agent.close();
}

const say = (line: string) => process.stdout.write(`${line}\n`);
const p = (sorted: number[], part: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
const words = (sorted: number[]) => `median ${p(sorted, 0.5).toFixed(0)} ms, p99 ${p(sorted, 0.99).toFixed(0)} ms`;

const quick = await anEndpoint('/quick');
await latencies(quick, 'warm');
const alone = await latencies(quick, 'alone');
say(`a quick endpoint alone:                 ${words(alone)}`);
const slow = await anEndpoint('/slow');
for (let i = 0; i < slowWaiting; i += 1) await happen(ctx, slow, `slow-${i}`);
const beside = await latencies(quick, 'beside');
say(`beside one that takes 10 s, 100 waiting: ${words(beside)}`);
say(`p99 beside / alone:                     ${(p(beside, 0.99) / p(alone, 0.99)).toFixed(2)}`);
await ctx.db.webhookEndpoint.deleteMany({ where: { organizationId: slow } });

const organizationIds = await Promise.all(Array.from({ length: endpoints }, () => anEndpoint('/many')));
app.platform.courier.isClosed = true;
for (const organizationId of organizationIds)
  for (let i = 0; i < eventsEach; i += 1) await happen(ctx, organizationId, `many-${i}`);
const ours = await perSecond(async () => {
  app.platform.courier.isClosed = false;
});
const bare = await perSecond(bareLoop);
say(
  `deliveries a second:                    ${ours.toFixed(0)}, a bare loop ${bare.toFixed(0)}, ratio ${(ours / bare).toFixed(3)}`,
);

server.close();
server.closeAllConnections();
await app.close();
await database.close();
await rm(dataDir, { recursive: true, force: true });
