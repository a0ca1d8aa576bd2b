import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type HttpServer, startHttpServer } from '../src/edge/http.ts';
import { aKey, aSecuredOwner } from './support/api-keys.ts';
import { connected, openSocket } from './support/raw-socket.ts';
import { makeTrial } from './support/trial-schema.ts';
import { aPerson, type Person, signIn, useApp } from './support/world.ts';

const app = useApp();
const trial = makeTrial();
let server: HttpServer;

beforeAll(async () => {
  const config = { ...app.platform.config, rateLimitScale: 1 };
  server = await startHttpServer({ ...app.platform, config }, trial.schema);
});
afterAll(() => server.close());

const most = 50;
const authorized = ({ accessToken }: Pick<Person, 'accessToken'>) => ({ authorization: `Bearer ${accessToken}` });
const init = (payload?: Record<string, unknown>) => ({ type: 'connection_init', ...(payload && { payload }) });

async function open(count: number, params?: Record<string, unknown>) {
  return Promise.all(Array.from({ length: count }, () => connected(server.url, params)));
}

async function closeCodeOf(params?: Record<string, unknown>) {
  const client = await openSocket(server.url);
  client.send(init(params));
  return (await client.closed).code;
}

async function streamOf({ accessToken }: Person) {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      authorization: `Bearer ${accessToken}`,
    },
    body: JSON.stringify({ query: 'subscription { actor }' }),
  });
  return response.text();
}

test('a person has at most fifty connections on one process, whatever the session and the transport', async () => {
  const ada = await aPerson(app);
  const phone = await signIn(app, ada);
  const open50 = [...(await open(most - 1, authorized(ada))), ...(await open(1, authorized(phone)))];
  expect(await closeCodeOf(authorized(ada))).toBe(4429);
  expect(await streamOf(ada)).toContain('RATE_LIMITED');
  const grace = await aPerson(app, { name: 'Grace' });
  const [hers] = await open(1, authorized(grace));
  hers?.socket.close();
  open50[0]?.socket.close();
  await vi.waitFor(async () => expect((await open(1, authorized(ada))).length).toBe(1), 5_000);
  for (const client of open50) client.socket.terminate();
});

test('so has an API key', async () => {
  const { secret } = await aKey(app, await aSecuredOwner(app));
  const clients = await open(most, { authorization: `Bearer ${secret}` });
  expect(await closeCodeOf({ authorization: `Bearer ${secret}` })).toBe(4429);
  for (const client of clients) client.socket.terminate();
});

test('so has an address without credentials', async () => {
  const clients = await open(most);
  expect(await closeCodeOf()).toBe(4429);
  for (const client of clients) client.socket.terminate();
});

test('a socket that sends more than a thousand messages in ten seconds is closed (4429)', async () => {
  const client = await connected(server.url, authorized(await aPerson(app)));
  for (let n = 0; n < 1_001; n += 1) client.send({ type: 'pong' });
  expect(await client.closed).toEqual({ code: 4429, reason: 'Too many messages' });
});

test('a client that asks and does not read is cut off before it fills the memory', async () => {
  const client = await connected(server.url, authorized(await aPerson(app)));
  client.socket.pause();
  const query = 'query Megabyte { megabyte }';
  for (let n = 0; n < most; n += 1) client.send({ id: `n${n}`, type: 'subscribe', payload: { query } });
  // What waits to be read has not ended, so that all have ended only once the socket has.
  const ended = () => app.logLines.filter(({ operationName }) => operationName === 'Megabyte').length;
  await vi.waitFor(() => expect(ended()).toBe(most), 10_000);
  client.socket.resume();
  expect((await client.closed).code).toBe(1006);
});
