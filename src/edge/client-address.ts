import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type AddressReader = (request: IncomingMessage) => string | null;

/**
 * Tells the client's address, IPv4 also where the socket says `::ffff:…`. `X-Forwarded-For` is believed from the given
 * networks (CIDR) alone: read from the right, the first hop outside of them is the client.
 */
export function clientAddressReader(trustedProxies: readonly string[]): AddressReader {
  const networks = trustedProxies.map((cidr) => ipaddr.parseCIDR(cidr));
  const isTrusted = (address: Address) =>
    networks.some((network) => network[0].kind() === address.kind() && address.match(network));

  return (request) => {
    let client = peerOf(request.socket);
    for (const hop of forwardedHops(request).reverse()) {
      const address = client && isTrusted(client) ? parse(hop) : null;
      if (!address) break;
      client = address;
    }
    return client?.toString() ?? null;
  };
}

/** A connection carries many requests of one peer. */
const peers = new WeakMap<Socket, Address | null>();

function peerOf(socket: Socket): Address | null {
  const known = peers.get(socket);
  if (known !== undefined) return known;
  const peer = parse(socket.remoteAddress);
  peers.set(socket, peer);
  return peer;
}

function forwardedHops(request: IncomingMessage): string[] {
  const value = request.headers['x-forwarded-for'];
  return (Array.isArray(value) ? value.join() : (value ?? '')).split(',');
}

function parse(text: string | undefined): Address | null {
  const address = text?.trim() ?? '';
  return ipaddr.isValid(address) ? ipaddr.process(address) : null;
}
