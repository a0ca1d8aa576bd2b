import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpServer, startHttpServer } from '../src/edge/http.ts';
import { schema } from '../src/graphql/schema.ts';
import { connected } from './support/raw-socket.ts';
import { useApp } from './support/world.ts';

const app = useApp();
const known = 'query Known { plans { name } }';
const id = createHash('sha256').update(known).digest('hex');
const other = '{ __typename }';
let folder: string;
const servers: Record<string, HttpServer> = {};

const manifests = {
  codegen: { [id]: known },
  apollo: { format: 'apollo-persisted-query-manifest', version: 1, operations: [{ id, name: 'Known', body: known }] },
};

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gatehouse-manifest-'));
  for (const mode of ['also', 'only'] as const) {
    const file = path.join(folder, `${mode}.json`);
    await writeFile(file, JSON.stringify(manifests[mode === 'also' ? 'codegen' : 'apollo']));
    servers[mode] = await startHttpServer(withDocuments(mode, file), schema);
  }
});
afterAll(async () => {
  for (const server of Object.values(servers)) await server.close();
  await rm(folder, { recursive: true });
});

const withDocuments = (mode: 'also' | 'only', file: string) => {
  return { ...app.platform, config: { ...app.platform.config, trustedDocuments: { mode, file } } };
};
const urlOf = (mode: string) => servers[mode]?.url ?? app.url;

type Answer = { data?: unknown; errors?: { extensions: { code: string } }[] };
const outcome = ({ data, errors }: Answer) => (data ? 'answered' : errors?.[0]?.extensions.code);

async function post(mode: string, body: object) {
  const response = await fetch(`${urlOf(mode)}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return outcome((await response.json()) as Answer);
}

async function overSocket(mode: string, payload: object) {
  const client = await connected(urlOf(mode));
  client.send({ id: 'q', type: 'subscribe', payload });
  const { type, payload: answer } = await client.next();
  client.socket.terminate();
  return outcome(type === 'error' ? { errors: answer as never } : (answer as Answer));
}

const requests = {
  'its id': { documentId: `sha256:${id}` },
  'a hash, as Apollo sends it': { extensions: { persistedQuery: { version: 1, sha256Hash: id } } },
  'an unknown id': { documentId: 'sha256:0000' },
  'the text of one': { query: known },
  'any other text': { query: other },
  'the text of another and its id': { query: other, documentId: `sha256:${id}` },
};

test.each([
  ['also', 'its id', 'answered'],
  ['also', 'a hash, as Apollo sends it', 'answered'],
  ['also', 'an unknown id', 'PERSISTED_QUERY_NOT_FOUND'],
  ['also', 'any other text', 'answered'],
  ['only', 'its id', 'answered'],
  ['only', 'a hash, as Apollo sends it', 'answered'],
  ['only', 'an unknown id', 'PERSISTED_QUERY_NOT_FOUND'],
  ['only', 'the text of one', 'answered'],
  ['only', 'any other text', 'FORBIDDEN'],
  ['only', 'the text of another and its id', 'FORBIDDEN'],
  ['off', 'its id', 'BAD_USER_INPUT'],
  ['off', 'any other text', 'answered'],
] as const)('TRUSTED_DOCUMENTS=%s: %s over HTTP is %s', async (mode, what, expected) => {
  expect(await post(mode, requests[what])).toBe(expected);
});

test.each([
  ['only', { query: '', extensions: { documentId: id } }, 'answered'],
  ['only', { query: '', extensions: { documentId: 'x' } }, 'PERSISTED_QUERY_NOT_FOUND'],
  ['only', { query: other }, 'FORBIDDEN'],
  ['also', { query: other }, 'answered'],
] as const)('TRUSTED_DOCUMENTS=%s holds over a socket: %j is %s', async (mode, payload, expected) => {
  expect(await overSocket(mode, payload)).toBe(expected);
});

describe('a manifest', () => {
  test.each([
    ['that is not there', null],
    ['that is no JSON', '{'],
    ['that is none', '[1]'],
  ])('%s stops the start', async (_what, text) => {
    const file = path.join(folder, 'bad.json');
    if (text !== null) await writeFile(file, text);
    await expect(startHttpServer(withDocuments('only', file), schema)).rejects.toThrow('is no manifest');
  });
});
