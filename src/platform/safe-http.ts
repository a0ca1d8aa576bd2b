import dns from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { Agent, buildConnector, request } from 'undici';

const connectTimeoutMs = 5_000;
const headersMaxBytes = 16_384;
const answerMaxBytes = 16_384;

/** The address is not one that may be reached. What it resolved to is told to nobody: that would map our own network. */
export class DestinationRefused extends Error {
  constructor() {
    super('This destination is not allowed.');
    this.name = 'DestinationRefused';
  }
}

export interface OutgoingPost {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly statusCode: number;
  readonly retryAfter: string | null;
  /** The first 16 KiB. */
  readonly body: string;
}

/** HTTP to addresses that strangers choose: it reaches public addresses alone, by https, and follows no redirect. */
export interface SafeHttp {
  /** @throws DestinationRefused. A name server that is away refuses nobody: each connect looks again. */
  requireAllowed(url: string): Promise<void>;
  /** @throws DestinationRefused, and what undici throws when there is no answer in time */
  post(post: OutgoingPost): Promise<Answer>;
  close(): Promise<void>;
}

/** What IANA gives out of IPv6. Outside of it `unicast` is no more than what nobody has named, ::127.0.0.1 for one. */
const globalUnicast = ipaddr.parseCIDR('2000::/3');

type Lookup = typeof dns.lookup;

/**
 * @param allowedNetworks private networks that may be reached too, by http as well
 * @param lookup how names are resolved
 */
export function createSafeHttp(allowedNetworks: readonly string[], lookup: Lookup = dns.lookup): SafeHttp {
  const networks = allowedNetworks.map((network) => ipaddr.parseCIDR(network));
  const isAllowed = (address: string, isSecure: boolean) => isReachable(address, isSecure, networks);
  const agent = new Agent({
    connect: checkedConnector(isAllowed, lookup),
    maxHeaderSize: headersMaxBytes,
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return {
    requireAllowed: (url) => requireAllowed(url, isAllowed, lookup),
    async post({ url, headers, body, timeoutMs, signal }) {
      requireForm(url);
      const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      const answer = await request(url, { method: 'POST', headers, body, signal: limit, dispatcher: agent });
      const retryAfter = answer.headers['retry-after'];
      return {
        statusCode: answer.statusCode,
        retryAfter: typeof retryAfter === 'string' ? retryAfter : null,
        body: await firstBytes(answer.body),
      };
    },
    close: () => agent.destroy(),
  };
}

type IsAllowed = (address: string, isSecure: boolean) => boolean;

/** Public unicast by https; an IPv4 address in the clothes of IPv6 is judged as what it is. */
function isReachable(text: string, isSecure: boolean, networks: [ipaddr.IPv4 | ipaddr.IPv6, number][]): boolean {
  if (!ipaddr.isValid(text)) return false;
  const address = ipaddr.process(text);
  if (networks.some((network) => network[0].kind() === address.kind() && address.match(network))) return true;
  return isSecure && address.range() === 'unicast' && (address.kind() === 'ipv4' || address.match(globalUnicast));
}

/** What can be said of a URL without looking it up. @throws DestinationRefused */
function requireForm(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) throw new DestinationRefused();
  return url;
}

async function requireAllowed(text: string, isAllowed: IsAllowed, lookup: Lookup): Promise<void> {
  const url = requireForm(text);
  const isSecure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const addresses = isIP(host) ? [host] : await resolve(host, lookup);
  if (addresses.length === 0 && !isSecure) throw new DestinationRefused();
  if (!addresses.every((address) => isAllowed(address, isSecure))) throw new DestinationRefused();
}

/** All addresses of a name; none when the name server is away. @throws DestinationRefused for a name without any */
function resolve(host: string, lookup: Lookup): Promise<string[]> {
  return new Promise((found, refuse) => {
    lookup(host, { all: true }, (error, addresses) => {
      if (error?.code === 'EAI_AGAIN') found([]);
      else if (error || addresses.length === 0) refuse(new DestinationRefused());
      else found(addresses.map(({ address }) => address));
    });
  });
}

/**
 * Judges the address at the moment of connecting. A name is resolved once, and what was judged is what is connected to, so
 * that a name which answers otherwise the second time gains nothing. `lookup` alone would not do: it is not asked for
 * addresses that are written out.
 */
function checkedConnector(isAllowed: IsAllowed, lookup: Lookup): buildConnector.connector {
  const connectors = [false, true].map((isSecure) =>
    buildConnector({ timeout: connectTimeoutMs, allowH2: false, lookup: checkedLookup(isAllowed, isSecure, lookup) }),
  );
  return (options, callback) => {
    const isSecure = options.protocol === 'https:';
    if (isIP(options.hostname) && !isAllowed(options.hostname, isSecure)) {
      callback(new DestinationRefused(), null);
      return;
    }
    connectors[isSecure ? 1 : 0]?.(options, callback);
  };
}

function checkedLookup(isAllowed: IsAllowed, isSecure: boolean, lookup: Lookup): LookupFunction {
  return (host, options, callback) => {
    lookup(host, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, []);
      const areAllowed = addresses.length > 0 && addresses.every(({ address }) => isAllowed(address, isSecure));
      if (!areAllowed) return callback(new DestinationRefused(), []);
      const [first] = addresses;
      return options.all ? callback(null, addresses) : callback(null, first?.address ?? '', first?.family);
    });
  };
}

/** Reads no more than it keeps. */
async function firstBytes(body: AsyncIterable<Uint8Array> & { destroy(): unknown }): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= answerMaxBytes) break;
  }
  body.destroy();
  return Buffer.concat(chunks).subarray(0, answerMaxBytes).toString();
}
