import { once } from 'node:events';
import { describe, expect, test, vi } from 'vitest';
import { startHttpServer } from '../src/edge/http.ts';
import { connected, openSocket, rawConnection } from './support/raw-socket.ts';
import { makeTrial } from './support/trial-schema.ts';
import { useApp } from './support/world.ts';

const app = useApp();

const start = async () => {
  const trial = makeTrial();
  return { trial, server: await startHttpServer(app.platform, trial.schema) };
};
const post = (url: string, query: string, accept = 'application/json') =>
  fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept },
    body: JSON.stringify({ query }),
  });

describe('closing the server', () => {
  test('lets requests and socket operations end, and takes no new ones', async () => {
    const { trial, server } = await start();
    const client = await connected(server.url);
    client.send({ id: 'm', type: 'subscribe', payload: { query: 'mutation { wait }' } });
    const request = post(server.url, 'mutation { wait }');
    await vi.waitFor(() => expect(trial.waits.begun).toBe(2), 10_000);
    const closing = server.close();
    await expect(fetch(`${server.url}/health/live`)).rejects.toThrow();
    client.send({ id: 'late', type: 'subscribe', payload: { query: '{ actor }' } });
    expect(await client.next()).toMatchObject({
      id: 'late',
      type: 'error',
      payload: [{ extensions: { code: 'SERVICE_UNAVAILABLE' } }],
    });
    const openedAt = performance.now();
    trial.open();
    expect(await client.next()).toMatchObject({ id: 'm', payload: { data: { wait: 'done' } } });
    expect(await (await request).json()).toEqual({ data: { wait: 'done' } });
    expect(await client.closed).toEqual({ code: 1001, reason: 'Going away' });
    await closing;
    expect(performance.now() - openedAt).toBeLessThan(2_500);
    expect(server.close()).toBe(server.close());
  });

  test('ends subscriptions at once', async () => {
    const { trial, server } = await start();
    const client = await connected(server.url);
    client.send({ id: 's', type: 'subscribe', payload: { query: 'subscription { actor }' } });
    const stream = await post(server.url, 'subscription { actor }', 'text/event-stream');
    await vi.waitFor(() => expect(trial.subscribers).toBe(2), 10_000);
    const startedAt = performance.now();
    await server.close();
    expect(performance.now() - startedAt).toBeLessThan(2_500);
    expect((await client.closed).code).toBe(1001);
    await expect(stream.text()).rejects.toThrow();
    expect(trial.subscribers).toBe(0);
  });

  test('tells who is still connected that it is draining', async () => {
    const { trial, server } = await start();
    const socket = await rawConnection(server.url);
    socket.write('GET /health/ready HTTP/1.1\r\nHost: x\r\n');
    const busy = post(server.url, 'mutation { wait }');
    await vi.waitFor(() => expect(trial.waits.begun).toBe(1), 10_000);
    const closing = server.close();
    const answer = once(socket, 'data');
    socket.write('\r\n');
    expect(String(await answer)).toMatch(/ 503 .*"draining"/s);
    trial.open();
    await Promise.all([busy, closing]);
  });

  test('waits no longer than five seconds', async () => {
    const { trial, server } = await start();
    const client = await openSocket(server.url);
    client.socket.pause();
    const stuck = post(server.url, 'mutation { wait }');
    await vi.waitFor(() => expect(trial.waits.begun).toBe(1), 10_000);
    const [closed, answer] = await Promise.allSettled([server.close(), stuck]);
    expect([closed.status, answer.status]).toEqual(['fulfilled', 'rejected']);
    trial.open();
  });
});
