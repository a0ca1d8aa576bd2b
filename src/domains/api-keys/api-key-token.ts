import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { decodeId, encodeId } from '../../platform/typeid.ts';

const prefix = 'gh_live_';
const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const secretBytes = 32;
const secretLength = 43;
const checksumLength = 6;
const form = new RegExp(`^(${prefix}([0-9a-z]{26})_[0-9A-Za-z]{${secretLength}})([0-9A-Za-z]{${checksumLength}})$`);

/**
 * `gh_live_<id>_<secret><checksum>`: the suffix of the key's TypeID, 256 random bits in base62, and the CRC-32 of all
 * before it, by which secret scanners know a key and a mistyped one is refused without the database.
 */
export function newApiKeyToken(apiKeyId: string): string {
  const id = encodeId('ApiKey', apiKeyId).slice('key_'.length);
  const secret = base62(BigInt(`0x${randomBytes(secretBytes).toString('hex')}`), secretLength);
  const body = `${prefix}${id}_${secret}`;
  return `${body}${checksumOf(body)}`;
}

/** Whether these credentials mean to be an API key. */
export function looksLikeApiKey(token: string): boolean {
  return token.startsWith(prefix);
}

/** The key that a token names; null for one that cannot be whole. */
export function apiKeyIdIn(token: string): string | null {
  const [, body = '', id = '', checksum] = form.exec(token) ?? [];
  return checksum !== undefined && checksum === checksumOf(body) ? decodeId('ApiKey', `key_${id}`) : null;
}

/** What people tell their keys apart by: prefix and last four. */
export function hintOf(token: string): string {
  return `${prefix}…${token.slice(-4)}`;
}

function checksumOf(body: string): string {
  return base62(BigInt(crc32(body)), checksumLength);
}

function base62(number: bigint, length: number): string {
  let text = '';
  for (let rest = number; text.length < length; rest /= 62n) text = `${alphabet[Number(rest % 62n)]}${text}`;
  return text;
}
