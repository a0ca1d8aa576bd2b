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
    const peer = peerOf(request.socket);
    let client = peer.address;
    if (request.headers['x-forwarded-for'] === undefined) return peer.text;
    for (const hop of forwardedHops(request).reverse()) {
      const address = client && isTrusted(client) ? parse(hop) : null;
      if (!address) break;
      client = address;
    }
    return client?.toString() ?? null;
  };
}

interface Peer {
  readonly address: Address | null;
  readonly text: string | null;
}

/** A connection carries many requests of one peer. */
const peers = new WeakMap<Socket, Peer>();

function peerOf(socket: Socket): Peer {
  const known = peers.get(socket);
  if (known) return known;
  const address = parse(socket.remoteAddress);
  const peer = { address, text: address?.toString() ?? null };
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
