import { connect, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';

/** What a scanner says of bytes; anything else than these two is thrown. */
export type Verdict = 'clean' | 'infected';

const timeoutMs = 120_000;

/**
 * Has a clamd look at bytes (INSTREAM: chunks with their lengths before them, a zero at the end). Bytes that are too many
 * for it, or that it cannot read, are not clean.
 * @throws Error when it does not answer, or answers anything but a verdict
 */
export async function scanForViruses(clamdUrl: string, bytes: Readable): Promise<Verdict> {
  const socket = connectTo(clamdUrl);
  try {
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error('clamd does not answer')));
    const answer = text(socket);
    // Whatever breaks is told by the answer.
    send(socket, bytes).catch((error: unknown) => socket.destroy(error as Error));
    const verdict = (await answer).replace(/\0/g, '').trim();
    if (verdict.endsWith(' OK')) return 'clean';
    if (verdict.endsWith(' FOUND')) return 'infected';
    throw new Error(`clamd came to no verdict: ${verdict.slice(0, 100)}`);
  } finally {
    socket.destroy();
    bytes.destroy();
  }
}

function connectTo(clamdUrl: string): Socket {
  const { protocol, hostname, port, pathname } = new URL(clamdUrl);
  return protocol === 'unix:' ? connect(pathname) : connect(Number(port || 3310), hostname);
}

async function send(socket: Socket, bytes: Readable): Promise<void> {
  await write(socket, Buffer.from('zINSTREAM\0'));
  for await (const chunk of bytes as AsyncIterable<Buffer>) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(chunk.length);
    await write(socket, Buffer.concat([length, chunk]));
  }
  await write(socket, Buffer.alloc(4));
}

function write(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}
