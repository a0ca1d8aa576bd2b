import type { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  ListPartsCommand,
  type ListPartsCommandOutput,
  type MultipartUpload,
  NoSuchUpload,
  type Part,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
  S3ServiceException,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { S3Config } from '../../storage.config.ts';
import {
  type Draft,
  isStorageKey,
  ObjectMissing,
  requireStorageKey,
  type Storage,
  type StoredObject,
} from './storage.ts';

/** What is held in memory of one upload. Ten thousand parts make 80 GB. */
const partBytes = 8 * 1024 * 1024;

interface Bucket {
  readonly client: S3Client;
  readonly name: string;
}

/** Objects in a bucket of Amazon S3 or of a server that speaks like it. A draft is a multipart upload. */
export function createS3Storage({ bucket: name, endpoint, region, accessKeyId, secretAccessKey }: S3Config): Storage {
  const client = new S3Client({
    region,
    ...(endpoint !== null && { endpoint, forcePathStyle: true }),
    credentials: { accessKeyId, secretAccessKey },
    // Servers that are not Amazon's store, or refuse, what the defaults send.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  const bucket: Bucket = { client, name };
  return {
    put: async (key, source) => putObject(bucket, key, source),
    begin: async (key) => begin(bucket, key),
    append: (draft, size, source) => append(bucket, draft, { size, source }),
    draftSize: async (draft) => (await partsOf(bucket, draft)).size,
    finish: (draft) => finish(bucket, draft),
    size: (key) => sizeOf(bucket, key),
    read: async (key, range) => {
      requireStorageKey(key);
      const Range = range && `bytes=${range.start}-${range.end}`;
      const found = await client
        .send(new GetObjectCommand({ Bucket: name, Key: key, ...(Range && { Range }) }))
        .catch((error: unknown) => {
          throw isMissing(error) ? new ObjectMissing(key) : error;
        });
      return found.Body as Readable;
    },
    remove: (key) => remove(bucket, key),
    list: () => list(bucket),
  };
}

/** One request for what fits into a part, parts for what does not. */
async function putObject(bucket: Bucket, key: string, source: AsyncIterable<Uint8Array>): Promise<void> {
  requireStorageKey(key);
  let draft: Draft | null = null;
  try {
    const parts: CompletedPart[] = [];
    for await (const { bytes, isLast } of partsIn(source)) {
      if (isLast && !draft) {
        await bucket.client.send(new PutObjectCommand({ Bucket: bucket.name, Key: key, Body: bytes }));
        return;
      }
      draft ??= { key, handle: await begin(bucket, key) };
      if (bytes.length > 0) parts.push(await uploadPart(bucket, draft, { number: parts.length + 1, bytes }));
    }
    if (draft) await complete(bucket, draft, parts);
  } catch (error) {
    if (draft) await abort(bucket, draft);
    throw error;
  }
}

async function begin({ client, name }: Bucket, key: string): Promise<string> {
  requireStorageKey(key);
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket: name, Key: key }));
  if (!UploadId) throw new Error('the storage began no multipart upload');
  return UploadId;
}

/** What does not fill a part is kept only when it is the end. */
async function append(
  bucket: Bucket,
  draft: Draft,
  { size, source }: { size: number; source: AsyncIterable<Uint8Array> },
): Promise<void> {
  const kept = await partsOf(bucket, draft);
  let [number, sum] = [kept.parts.length, kept.size];
  for await (const { bytes } of partsIn(source)) {
    sum += bytes.length;
    if (bytes.length === 0 || (bytes.length < partBytes && sum < size)) continue;
    number += 1;
    await uploadPart(bucket, draft, { number, bytes });
  }
}

/** Cuts a stream into parts of the same size; the last one may be smaller, or empty. */
async function* partsIn(source: AsyncIterable<Uint8Array>): AsyncIterable<{ bytes: Buffer; isLast: boolean }> {
  let part = Buffer.allocUnsafe(partBytes);
  let filled = 0;
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; ) {
      const taken = Math.min(chunk.length - at, partBytes - filled);
      part.set(chunk.subarray(at, at + taken), filled);
      filled += taken;
      at += taken;
      if (filled < partBytes) continue;
      yield { bytes: part, isLast: false };
      part = Buffer.allocUnsafe(partBytes);
      filled = 0;
    }
  }
  yield { bytes: part.subarray(0, filled), isLast: true };
}

interface CompletedPart {
  readonly PartNumber: number;
  readonly ETag: string | undefined;
}

async function uploadPart(
  { client, name }: Bucket,
  { key, handle }: Draft,
  { number, bytes }: { number: number; bytes: Buffer },
): Promise<CompletedPart> {
  const { ETag } = await client.send(
    new UploadPartCommand({ Bucket: name, Key: key, UploadId: handle, PartNumber: number, Body: bytes }),
  );
  return { PartNumber: number, ETag };
}

/** Of a draft that has been finished, that of the object. */
async function partsOf(bucket: Bucket, draft: Draft): Promise<{ parts: CompletedPart[]; size: number }> {
  const parts: CompletedPart[] = [];
  let size = 0;
  try {
    for await (const { PartNumber = 0, ETag, Size = 0 } of listParts(bucket, draft)) {
      parts.push({ PartNumber, ETag });
      size += Size;
    }
    return { parts, size };
  } catch (error) {
    const whole = isMissing(error) ? await sizeOf(bucket, draft.key) : null;
    if (whole === null) throw error;
    return { parts: [], size: whole };
  }
}

/** The library's own walk over pages does not end with servers that name a next one after the last. */
async function* listParts({ client, name }: Bucket, { key, handle }: Draft): AsyncIterable<Part> {
  for (let from: { PartNumberMarker?: string | undefined } | null = {}; from; ) {
    const page: ListPartsCommandOutput = await client.send(
      new ListPartsCommand({ Bucket: name, Key: key, UploadId: handle, ...from }),
    );
    yield* page.Parts ?? [];
    from = page.IsTruncated ? { PartNumberMarker: page.NextPartNumberMarker } : null;
  }
}

async function finish(bucket: Bucket, draft: Draft): Promise<void> {
  // Done before, by an attempt that came no further.
  if ((await sizeOf(bucket, draft.key)) !== null) return;
  const { parts } = await partsOf(bucket, draft);
  if (parts.length > 0) return complete(bucket, draft, parts);
  // A multipart upload has one part at least.
  await abort(bucket, draft);
  await bucket.client.send(new PutObjectCommand({ Bucket: bucket.name, Key: draft.key, Body: '' }));
}

async function complete({ client, name }: Bucket, { key, handle }: Draft, Parts: CompletedPart[]): Promise<void> {
  await client.send(
    new CompleteMultipartUploadCommand({ Bucket: name, Key: key, UploadId: handle, MultipartUpload: { Parts } }),
  );
}

async function abort({ client, name }: Bucket, { key, handle }: Draft): Promise<void> {
  await client
    .send(new AbortMultipartUploadCommand({ Bucket: name, Key: key, UploadId: handle }))
    .catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
}

async function sizeOf({ client, name }: Bucket, key: string): Promise<number | null> {
  requireStorageKey(key);
  try {
    return (await client.send(new HeadObjectCommand({ Bucket: name, Key: key }))).ContentLength ?? 0;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

async function remove(bucket: Bucket, key: string): Promise<void> {
  requireStorageKey(key);
  for await (const { Key, UploadId } of draftsOf(bucket, key))
    if (Key === key && UploadId) await abort(bucket, { key, handle: UploadId });
  await bucket.client.send(new DeleteObjectCommand({ Bucket: bucket.name, Key: key }));
}

async function* list(bucket: Bucket): AsyncIterable<StoredObject> {
  for await (const { Contents = [] } of paginateListObjectsV2({ client: bucket.client }, { Bucket: bucket.name })) {
    for (const { Key = '', LastModified } of Contents) if (isStorageKey(Key)) yield stored(Key, LastModified);
  }
  for await (const { Key = '', Initiated } of draftsOf(bucket, '')) if (isStorageKey(Key)) yield stored(Key, Initiated);
}

function stored(key: string, modifiedAt: Date | undefined): StoredObject {
  return { key, modifiedAt: modifiedAt ?? new Date(0) };
}

async function* draftsOf({ client, name }: Bucket, prefix: string): AsyncIterable<MultipartUpload> {
  for (let from: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } | null = {}; from; ) {
    const page: ListMultipartUploadsCommandOutput = await client.send(
      new ListMultipartUploadsCommand({ Bucket: name, Prefix: prefix, ...from }),
    );
    yield* page.Uploads ?? [];
    from = page.IsTruncated ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker } : null;
  }
}

function isMissing(error: unknown): boolean {
  if (error instanceof NoSuchUpload) return true;
  return error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404;
}
