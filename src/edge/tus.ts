import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { DataStore, type Lock, Server, Upload } from '@tus/server';
import type { Ctx } from '../context.ts';
import { uploadUrls } from '../domains/files/links.service.ts';
import {
  appendBytes,
  beginResumable,
  resumableProgress,
  terminateResumable,
} from '../domains/files/resumable.service.ts';
import { leaseResumable, type ResumableLease } from '../domains/files/resumable-lease.service.ts';
import { UploadRefused } from '../domains/files/upload-refusal.ts';
import type { Platform } from '../platform/platform.ts';
import { type Handler, sendProblem } from './answers.ts';
import { logTransfer, type TransferRecord } from './transfer-log.ts';
import { problemOf, refuseTransfer } from './upload-answers.ts';
import { uploadPace } from './upload-body.ts';
import { noteBearer, openedUpload, transferCtx } from './uploads.ts';

const methods = ['POST', 'HEAD', 'PATCH', 'DELETE'];
/** How long a request that is to let go may finish what it is at. */
const lockDrainTimeoutMs = 500;

/** tus 1.0 at `/uploads/tus/:id`, with `Authorization: Upload <token>`: the same upload as that of `PUT /uploads/:id`. */
export function tusRoute(platform: Platform): Handler {
  return async (request, response, origin) => {
    if (!methods.includes(request.method ?? '')) {
      response.setHeader('allow', methods.join(', '));
      return sendProblem(response, 405);
    }
    response.setHeader('cache-control', 'no-store');
    const record = logTransfer(platform.log, response, { origin, operationName: 'upload' });
    try {
      const ctx = transferCtx(platform, origin);
      const uploadId = openedUpload(platform, request);
      const { expiresAt } = await noteBearer(ctx, uploadId, record);
      response.setHeader('upload-expires', expiresAt.toUTCString());
      record.outcome = 'ok';
      if (request.headers.expect) response.writeContinue();
      await serverFor(ctx, { uploadId, request, response, record }).handle(request, response);
    } catch (error) {
      refuseTransfer(platform.log, { response, record }, error);
    }
  };
}

interface Exchange {
  readonly uploadId: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly record: TransferRecord;
}

/** The protocol for one request, so that lock and store know on whose behalf they act. */
function serverFor(ctx: Ctx, exchange: Exchange): Server {
  const { uploadId, response, record } = exchange;
  const held: Held = { lease: null, letGo: () => undefined };
  const id = uploadUrls(ctx, uploadId).tusUrl.split('/').at(-1) ?? '';
  return new Server({
    path: '/uploads/tus',
    datastore: new UploadStore(ctx, held, record),
    locker: { newLock: () => lockOf(ctx, uploadId, held) },
    lockDrainTimeout: lockDrainTimeoutMs,
    allowedOrigins: () => false,
    namingFunction: () => id,
    generateUrl: () => uploadUrls(ctx, uploadId).tusUrl,
    onResponseError: (_request, error) => {
      if (!(error instanceof Error)) {
        record.outcome = `HTTP_${error.status_code}`;
        return undefined;
      }
      const { status, document } = problemOf(error);
      if (status === 500) ctx.log.error({ err: error }, 'a transfer failed');
      record.outcome = String(document.code);
      response.setHeader('content-type', 'application/problem+json; charset=utf-8');
      return { status_code: status, body: JSON.stringify({ type: 'about:blank', status, ...document }) };
    },
  });
}

/** What the request holds while it is at work. */
interface Held {
  lease: ResumableLease | null;
  /** Ends the reading of bytes; those that have come are kept. */
  letGo: () => void;
}

function lockOf(ctx: Ctx, uploadId: string, held: Held): Lock {
  return {
    async lock(signal, cancel) {
      held.letGo = () => void cancel();
      held.lease = await leaseResumable(ctx, { uploadId, signal, letGo: held.letGo });
    },
    async unlock() {
      await held.lease?.release();
      held.lease = null;
    },
  };
}

/** The protocol's view of our uploads. */
class UploadStore extends DataStore {
  readonly #ctx: Ctx;
  readonly #held: Held;
  readonly #record: TransferRecord;

  constructor(ctx: Ctx, held: Held, record: TransferRecord) {
    super();
    this.extensions = ['creation', 'creation-with-upload', 'termination'];
    this.#ctx = ctx;
    this.#held = held;
    this.#record = record;
  }

  override async create(upload: Upload): Promise<Upload> {
    await beginResumable(this.#ctx, this.#lease(), upload.size ?? 0);
    return upload;
  }

  override async getUpload(id: string): Promise<Upload> {
    return new Upload({ id, ...(await resumableProgress(this.#ctx, this.#lease())) });
  }

  override async write(source: Readable, _id: string, offset: number): Promise<number> {
    return appendBytes(this.#ctx, this.#lease(), { offset, source: this.#paced(source) });
  }

  override async remove(): Promise<void> {
    await terminateResumable(this.#ctx, this.#lease());
  }

  #lease(): ResumableLease {
    if (!this.#held.lease) throw new UploadRefused('UPLOAD_BUSY');
    return this.#held.lease;
  }

  /** A client that stalls is let go: what it has sent is kept, and it may come again. */
  async *#paced(source: Readable): AsyncIterable<Uint8Array> {
    const timer = setTimeout(this.#held.letGo, uploadPace.idleMs);
    try {
      for await (const chunk of source as AsyncIterable<Uint8Array>) {
        this.#record.bytes += chunk.length;
        yield chunk;
        timer.refresh();
      }
    } finally {
      clearTimeout(timer);
    }
  }
}
