import { expect, test } from 'vitest';
import { AbortUpload, anUpload, put, slowly } from './support/files.ts';
import { connected } from './support/raw-socket.ts';
import { aPerson, type Person, useApp } from './support/world.ts';

const app = useApp();

async function follow(person: Person, id: string) {
  const client = await connected(app.url, { authorization: `Bearer ${person.accessToken}` });
  const query = `subscription { uploadProgress(id: "${id}") { state receivedBytes } }`;
  client.send({ type: 'subscribe', id: '1', payload: { query } });
  return client;
}

const told = (state: string, receivedBytes: number) => ({
  type: 'next',
  payload: { data: { uploadProgress: { state, receivedBytes } } },
});

test('uploadProgress tells how an upload stands, that bytes come, and its end, and then completes', async () => {
  const ada = await aPerson(app);
  const upload = await anUpload(ada, { size: 100_000 });
  const client = await follow(ada, upload.id);
  expect(await client.next()).toMatchObject(told('PENDING', 0));
  const sending = slowly(upload, 100_000);
  expect(await client.next()).toMatchObject(told('RECEIVING', 1_000));
  await ada.send(AbortUpload, { id: upload.id });
  expect(await client.next()).toMatchObject(told('ABORTED', 1_000));
  expect(await client.next()).toMatchObject({ type: 'complete' });
  await sending;
  client.socket.close();
});

test('uploadProgress of one that has ended tells the end, and is nobody else’s', async () => {
  const [ada, stranger] = [await aPerson(app), await aPerson(app)];
  const upload = await anUpload(ada);
  await put(upload, 'hello');
  const client = await follow(ada, upload.id);
  expect(await client.next()).toMatchObject(told('READY', 5));
  expect(await client.next()).toMatchObject({ type: 'complete' });
  const other = await follow(stranger, upload.id);
  expect(JSON.stringify(await other.next())).toContain('NOT_FOUND');
  for (const { socket } of [client, other]) socket.close();
});
