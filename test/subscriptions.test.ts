import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type HttpServer, startHttpServer } from '../src/edge/http.ts';
import { aKey, aSecuredOwner } from './support/api-keys.ts';
import { connected } from './support/raw-socket.ts';
import { makeTrial } from './support/trial-schema.ts';
import { aPerson, type Person, useApp } from './support/world.ts';

const app = useApp();
const trial = makeTrial();
let server: HttpServer;

beforeAll(async () => {
  server = await startHttpServer(app.platform, trial.schema);
});
afterAll(() => server.close());

const query = 'subscription Ticks { actor }';
const waitForSubscribers = (count: number) => vi.waitFor(() => expect(trial.subscribers).toBe(count), 10_000);
const uuid = /^[0-9a-f-]{36}$/;

async function overSse({ accessToken }: Person, accept = 'text/event-stream') {
  const client = new AbortController();
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${accessToken}`, accept },
    body: JSON.stringify({ query }),
    signal: client.signal,
  });
  return { response, leave: () => client.abort() };
}

/** The events of a stream until it ends, or until `enough` have come. */
async function eventsOf(response: Response, enough = Number.POSITIVE_INFINITY): Promise<unknown[]> {
  const events: unknown[] = [];
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString();
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    events.push(...blocks.filter((block) => block.startsWith('event: next')).map(dataOf));
    if (events.length >= enough) break;
  }
  return events;
}

const dataOf = (block: string) => JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? 'null') as unknown;

describe.each(['application/json, text/event-stream', 'text/event-stream, multipart/mixed'])(
  'a subscription over SSE (%s)',
  (accept) => {
    test('brings its events', async () => {
      const stream = await overSse(await aPerson(app), accept);
      expect(stream.response.headers.get('content-type')).toBe('text/event-stream');
      await waitForSubscribers(1);
      trial.tick();
      expect(await eventsOf(stream.response, 1)).toEqual([{ data: { actor: expect.stringMatching(uuid) } }]);
      stream.leave();
      await waitForSubscribers(0);
    });
  },
);

describe('a subscription', () => {
  test('over SSE ends its source when the client goes away', async () => {
    const stream = await overSse(await aPerson(app));
    await waitForSubscribers(1);
    stream.leave();
    await waitForSubscribers(0);
  });

  test('over SSE judges the caller anew at each event, and ends with the refusal', async () => {
    const ada = await aPerson(app);
    const { response } = await overSse(ada);
    await waitForSubscribers(1);
    await ada.send('mutation { logout { __typename } }');
    trial.tick();
    expect(await eventsOf(response)).toMatchObject([{ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] }]);
    await waitForSubscribers(0);
  });

  test('F16 over SSE ends with the session, though no event comes', async () => {
    const ada = await aPerson(app);
    const { response } = await overSse(ada);
    await waitForSubscribers(1);
    await ada.send('mutation { logout { __typename } }');
    expect(await eventsOf(response)).toMatchObject([{ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] }]);
    await waitForSubscribers(0);
  });

  test('over SSE ends with the API key that opened it', async () => {
    const ada = await aSecuredOwner(app);
    const { secret } = await aKey(app, ada);
    const { response } = await overSse({ ...ada, accessToken: secret });
    await waitForSubscribers(1);
    await app.platform.db.apiKey.updateMany({
      where: { createdBy: { email: ada.email } },
      data: { revokedAt: new Date() },
    });
    expect(await eventsOf(response)).toMatchObject([{ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] }]);
    await waitForSubscribers(0);
  });

  test('over plain HTTP is refused: 406', async () => {
    const { response } = await overSse(await aPerson(app), 'application/json');
    expect([response.status, await response.json()]).toMatchObject([
      406,
      { errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] },
    ]);
  });

  test('over a socket judges the caller anew at each event, and ends with the refusal', async () => {
    const ada = await aPerson(app);
    const client = await connected(server.url, { authorization: `Bearer ${ada.accessToken}` });
    client.send({ id: 's', type: 'subscribe', payload: { query } });
    await waitForSubscribers(1);
    trial.tick();
    expect(await client.next()).toMatchObject({
      type: 'next',
      payload: { data: { actor: expect.stringMatching(uuid) } },
    });
    await ada.send('mutation { logout { __typename } }');
    trial.tick();
    // The socket itself may be closed first.
    const end = await Promise.race([client.next(), client.closed]);
    const refusal = { type: 'next', payload: { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] } };
    expect(end).toMatchObject('code' in end ? { code: 4401 } : refusal);
    await waitForSubscribers(0);
    client.socket.terminate();
  });

  test.each(['complete', 'terminate'])('over a socket ends its source on %s', async (how) => {
    const client = await connected(server.url);
    client.send({ id: 's', type: 'subscribe', payload: { query } });
    await waitForSubscribers(1);
    if (how === 'complete') client.send({ id: 's', type: 'complete' });
    else client.socket.terminate();
    await waitForSubscribers(0);
    client.socket.terminate();
  });
});
