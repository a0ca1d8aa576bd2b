import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { expect } from 'vitest';
import { decodeId } from '../../src/platform/typeid.ts';
import { graphql } from '../generated/gql.ts';
import type { CreateUploadInput } from '../generated/graphql.ts';
import type { Caller, TestApp } from './world.ts';

export const mebibyte = 1024 * 1024;

export const CreateUpload = graphql(`
  mutation CreateUpload($input: CreateUploadInput!) {
    createUpload(input: $input) {
      __typename
      ... on UploadCreated { token upload { id state receivedBytes expiresAt url tusUrl file { id } } }
      ... on ValidationFailed { issues { path message } }
      ... on QuotaExceeded { resource limit used resetsAt }
      ... on Error { code }
    }
  }
`);

export const AbortUpload = graphql(`
  mutation AbortUpload($id: ID!) {
    abortUpload(input: { id: $id }) { __typename ... on UploadAborted { upload { id state } } }
  }
`);

export const UploadById = graphql(`
  query UploadById($id: ID!) {
    node(id: $id) {
      ... on Upload { id state failure receivedBytes file { id name size contentType sha256 uploadedBy { id } } }
    }
  }
`);

export const FileById = graphql(`
  query FileById($id: ID!) {
    node(id: $id) { ... on File { id name size contentType sha256 trashedAt downloadUrl } }
  }
`);

/** Somebody with an organization to upload to. */
export type Uploader = Caller & { readonly organizationId: string };

export interface OpenUpload {
  readonly id: string;
  readonly url: string;
  readonly tusUrl: string;
  readonly token: string;
}

/** An upload that waits for its bytes. */
export async function anUpload(
  { organizationId, send }: Uploader,
  input: Partial<CreateUploadInput> = {},
): Promise<OpenUpload> {
  const { data, codes } = await send(CreateUpload, { input: { organizationId, name: 'notes.txt', ...input } });
  if (data?.createUpload.__typename !== 'UploadCreated')
    throw new Error(`no upload: ${codes} ${JSON.stringify(data?.createUpload)}`);
  const { token, upload } = data.createUpload;
  return { id: upload.id, url: upload.url, tusUrl: upload.tusUrl, token };
}

export interface Put {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** Sends bytes to an upload as a browser would. */
export async function put(
  { url, token }: Pick<OpenUpload, 'url' | 'token'>,
  body: string | Uint8Array | ReadableStream<Uint8Array>,
  headers: Record<string, string> = {},
): Promise<Put> {
  const response = await fetch(url, {
    method: 'PUT',
    headers: { authorization: `Upload ${token}`, ...headers },
    body: body as string,
    ...(body instanceof ReadableStream && { duplex: 'half' as const }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** A file with these bytes, its id. */
export async function aFile(
  uploader: Uploader,
  { name = `${randomUUID()}.txt`, bytes = 'hello' }: { name?: string; bytes?: string | Uint8Array } = {},
): Promise<string> {
  const { status, body } = await put(await anUpload(uploader, { name, size: Buffer.byteLength(bytes) }), bytes);
  if (status !== 201) throw new Error(`no file: ${status} ${JSON.stringify(body)}`);
  return String(body.fileId);
}

/** What is counted, and what is there: rows of files and uploads, and objects. */
export async function storageOf(app: TestApp, organizationId: string) {
  const where = { organizationId: decodeId('Organization', organizationId) ?? '' };
  const { db, storage } = app.platform;
  const usage = await db.storageUsage.findUnique({ where });
  const { _sum } = await db.file.aggregate({ where, _sum: { size: true } });
  const keys = new Set<string>();
  for await (const { key } of storage.list()) keys.add(key);
  const files = await db.file.findMany({ where, select: { storageKey: true } });
  return {
    used: Number(usage?.usedBytes ?? 0),
    reserved: Number(usage?.reservedBytes ?? 0),
    inFiles: Number(_sum.size ?? 0),
    missingObjects: files.filter(({ storageKey }) => !keys.has(storageKey)).length,
    keys,
  };
}

/** Objects that no row of the database points to. */
export async function orphans(app: TestApp): Promise<string[]> {
  const { db, storage } = app.platform;
  const known = new Set([
    ...(await db.file.findMany({ select: { storageKey: true } })).map(({ storageKey }) => storageKey),
    ...(await db.upload.findMany({ select: { storageKey: true } })).map(({ storageKey }) => storageKey),
    ...(await db.thumbnail.findMany({ select: { storageKey: true } })).map(({ storageKey }) => storageKey),
  ]);
  const found: string[] = [];
  for await (const { key } of storage.list()) if (!known.has(key)) found.push(key);
  return found;
}

/** Its state, and why it failed. */
export async function stateOf(person: Caller, { id }: { id: string }) {
  const { data } = await person.send(UploadById, { id });
  const upload = data.node && 'state' in data.node ? data.node : null;
  return [upload?.state, upload?.failure];
}

/** Nothing is kept, neither bytes nor a reservation. */
export async function expectNothingLeft(app: TestApp, { organizationId }: { readonly organizationId: string }) {
  await expect.poll(() => orphans(app)).toEqual([]);
  expect(await storageOf(app, organizationId)).toMatchObject({ used: 0, reserved: 0, inFiles: 0 });
}

/** Bytes, 64 KiB at a time and without a length. */
export function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at + 65_536));
      at += 65_536;
    },
  });
}

/** Bytes that no file begins with. */
export function randomStream(mebibytes: number): ReadableStream<Uint8Array> {
  const part = randomBytes(mebibyte).fill(0xfe, 0, 16);
  let sent = 0;
  return new ReadableStream({
    pull(controller) {
      if (sent === mebibytes) return controller.close();
      sent += 1;
      controller.enqueue(new Uint8Array(part));
    },
  });
}

/** Sends a thousand bytes of `length` and then waits for the answer. */
export async function slowly({ url, token }: OpenUpload, length: number) {
  const client = request(url, {
    method: 'PUT',
    headers: { authorization: `Upload ${token}`, 'content-length': length },
  });
  client.on('error', () => undefined);
  client.write('x'.repeat(1_000));
  const [response] = await once(client, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  client.destroy();
  return { status: response.statusCode, body: JSON.parse(text) };
}
