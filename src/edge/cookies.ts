import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Cookies } from '../context.ts';
import { BadUserInput, Forbidden } from '../errors.ts';

const prefix = '__Host-';
const attributes = 'Path=/; HttpOnly; Secure; SameSite=Lax';

/** The cookies of one HTTP call. @param pages origins whose pages may have a session in a cookie */
export function httpCookies(
  request: IncomingMessage,
  response: ServerResponse,
  pages: () => readonly string[],
): Cookies {
  return {
    get: (name) => cookieOf(request.headers.cookie ?? '', prefix + name),
    set(name, value, maxAgeSeconds) {
      response.appendHeader('set-cookie', `${prefix}${name}=${value}; Max-Age=${maxAgeSeconds}; ${attributes}`);
    },
    demandKnownPage() {
      const { origin } = request.headers;
      if (origin === undefined || !pages().includes(origin))
        throw new Forbidden('This page may not keep a session in a cookie.');
    },
  };
}

/** Those of a socket: its answers have no headers. */
export const socketCookies: Cookies = {
  get: () => null,
  set: refuse,
  demandKnownPage: refuse,
};

function refuse(): never {
  throw new BadUserInput('A socket cannot set cookies. Send this over HTTP.');
}

/** Our values are base64url and need no decoding. Of two of one name the first counts, as browsers order them (RFC 6265). */
function cookieOf(header: string, name: string): string | null {
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return null;
}
