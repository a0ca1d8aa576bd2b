import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';

/** What a socket costs at least: `ws` alone. A message from one client goes to all others. */
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () => {
  const { port } = server.address() as AddressInfo;
  console.log(JSON.stringify({ msg: 'ready', url: `http://127.0.0.1:${port}` }));
});
server.on('connection', (socket) => {
  socket.on('message', (message) => {
    for (const other of server.clients) if (other !== socket) other.send(message.toString());
  });
});
process.once('SIGTERM', () => process.exit(0));
