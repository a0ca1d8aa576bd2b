import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { type ClientOptions, WebSocket } from 'ws';

/** A TCP connection to the server, for what no HTTP client would send. */
export async function rawConnection(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  // The server may close first; what the test wants to know is what it said.
  socket.on('error', () => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** Sends `request` as it is and reads until the server closes. */
export async function exchange(url: string, request: string): Promise<string> {
  const socket = await rawConnection(url);
  socket.write(request);
  return text(socket);
}

export interface Message {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
}

/** A client of graphql-transport-ws that does as it is told, also what no library would do. */
export interface TestSocket {
  readonly socket: WebSocket;
  readonly protocol: string;
  /** Of the answer to the upgrade. */
  readonly headers: IncomingHttpHeaders;
  send(message: Message | string): void;
  /** The next message, in order. */
  next(): Promise<Message>;
  readonly closed: Promise<{ code: number; reason: string }>;
}

interface SocketOptions extends ClientOptions {
  readonly subprotocol?: string | null;
}

/** @throws when the server refuses the upgrade */
export async function openSocket(
  url: string,
  { subprotocol = 'graphql-transport-ws', ...options }: SocketOptions = {},
): Promise<TestSocket> {
  const address = `${url.replace('http', 'ws')}/graphql`;
  const socket = new WebSocket(address, subprotocol ?? [], options);
  const received: Message[] = [];
  const waiting: ((message: Message) => void)[] = [];
  socket.on('message', (data) => {
    const message = JSON.parse(data.toString()) as Message;
    const take = waiting.shift();
    if (take) take(message);
    else received.push(message);
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  let headers: IncomingHttpHeaders = {};
  socket.once('upgrade', (response) => {
    headers = response.headers;
  });
  await once(socket, 'open');
  socket.on('error', () => socket.terminate());
  return {
    socket,
    protocol: socket.protocol,
    headers,
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    next: () => {
      const message = received.shift();
      return message ? Promise.resolve(message) : new Promise((resolve) => waiting.push(resolve));
    },
    closed,
  };
}

/** A socket that is past `connection_ack`. */
export async function connected(
  url: string,
  params?: Record<string, unknown>,
  options?: SocketOptions,
): Promise<TestSocket> {
  const client = await openSocket(url, options);
  client.send({ type: 'connection_init', ...(params && { payload: params }) });
  const { type } = await client.next();
  if (type !== 'connection_ack') throw new Error(`not acknowledged: ${type}`);
  return client;
}
