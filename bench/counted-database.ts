import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';

const query = 0x51;
const execute = 0x45;

/** A database behind a door that counts the statements which go through it. */
export interface CountedDatabase {
  readonly url: string;
  statements(): number;
  close(): void;
}

/** Listens on loopback and hands everything on; counted are the simple queries and the executions of prepared ones. */
export async function countedDatabase(databaseUrl: string): Promise<CountedDatabase> {
  let statements = 0;
  const target = new URL(databaseUrl);
  const open = new Set<Socket>();
  const server: Server = createServer((client) => {
    const database = connect(Number(target.port), target.hostname);
    const count = messageReader((type) => {
      if (type === query || type === execute) statements += 1;
    });
    client.on('data', count).pipe(database).pipe(client);
    for (const socket of [client, database]) {
      open.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        open.delete(socket);
        client.destroy();
        database.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    statements: () => statements,
    close() {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}

/** Finds the messages of PostgreSQL's protocol: a type, but for the first one, and a length that counts itself. */
function messageReader(onMessage: (type: number) => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0);
  let headBytes = 0;
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= headBytes + 4) {
      const size = headBytes + rest.readUInt32BE(headBytes);
      if (rest.length < size) return;
      if (headBytes > 0) onMessage(rest.readUInt8(0));
      rest = rest.subarray(size);
      headBytes = 1;
    }
  };
}
