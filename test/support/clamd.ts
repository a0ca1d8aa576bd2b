import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

/** The test file that every scanner knows, in two pieces so that this file is none. */
export const eicar = `X5O!P%@AP[4\\PZX54(P^)7CC)7}$${'EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'}`;

/** A scanner that speaks clamd's INSTREAM, knows one virus, and may be silent or full. */
export interface TestClamd {
  readonly url: string;
  mode: 'scanning' | 'silent' | 'full';
  /** What is in bytes that it comes to no end with; null: nothing is. */
  hangsOn: string | null;
  /** How many bytes it was sent in all. */
  received: number;
  close(): Promise<void>;
}

export async function aClamd(): Promise<TestClamd> {
  const server = createServer((socket) => void serve(socket).catch(() => socket.destroy()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const clamd: TestClamd = {
    url: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    mode: 'scanning',
    hangsOn: null,
    received: 0,
    async close() {
      server.close();
      await once(server, 'close');
    },
  };

  async function serve(socket: Socket): Promise<void> {
    if (clamd.mode === 'silent') return void socket.destroy();
    const stream = await readStream(socket);
    clamd.received += stream.length;
    if (clamd.hangsOn !== null && stream.includes(clamd.hangsOn)) return;
    if (clamd.mode === 'full') return void socket.end('INSTREAM size limit exceeded. ERROR\0');
    socket.end(stream.includes(eicar) ? 'stream: Eicar-Test-Signature FOUND\0' : 'stream: OK\0');
  }
  return clamd;
}

/** The command, then chunks with their lengths before them, to the one of no bytes. */
async function readStream(socket: Socket): Promise<Buffer> {
  const command = 'zINSTREAM\0';
  let read: Buffer = Buffer.alloc(0);
  const bytes: Buffer[] = [];
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    read = Buffer.concat([read, chunk as Buffer]);
    if (read.length < command.length) continue;
    if (read.toString('latin1', 0, command.length) !== command) throw new Error('no such command');
    let at = command.length;
    bytes.length = 0;
    while (at + 4 <= read.length) {
      const length = read.readUInt32BE(at);
      if (length === 0) return Buffer.concat(bytes);
      if (at + 4 + length > read.length) break;
      bytes.push(read.subarray(at + 4, at + 4 + length));
      at += 4 + length;
    }
  }
  throw new Error('the stream broke off');
}
