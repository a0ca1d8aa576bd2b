import { CompactSign, compactVerify, createLocalJWKSet, errors, importJWK, type JWK } from 'jose';
import type { SigningJwk } from '../config.ts';

/** What a signature says: its payload, that it is not ours, or that its key is not among the signing keys (any more). */
export type ReadSignature = { readonly payload: unknown } | 'forged' | 'unknownKey';

/** JSON signed with the signing keys as a JWS (RFC 7515, EdDSA). One `type` for each purpose: none serves for another. */
export interface Signatures {
  sign(type: string, payload: unknown): Promise<string>;
  read(type: string, signature: string): Promise<ReadSignature>;
}

/** @param keys private JWKs; the first one signs, all of them verify */
export async function createSignatures(keys: readonly SigningJwk[]): Promise<Signatures> {
  const [current] = keys;
  if (!current) throw new Error('there is no signing key');
  const privateKey = await importJWK(current as JWK, 'EdDSA');
  const keySet = createLocalJWKSet({
    keys: keys.map(({ d: _private, ...key }) => ({ ...key, use: 'sig', alg: 'EdDSA' }) as JWK),
  });
  return {
    sign: (type, payload) =>
      new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
        .setProtectedHeader({ alg: 'EdDSA', kid: current.kid, typ: type })
        .sign(privateKey),
    async read(type, signature) {
      try {
        const { payload, protectedHeader } = await compactVerify(signature, keySet, { algorithms: ['EdDSA'] });
        return protectedHeader.typ === type ? { payload: JSON.parse(new TextDecoder().decode(payload)) } : 'forged';
      } catch (error) {
        if (error instanceof errors.JWKSNoMatchingKey) return 'unknownKey';
        if (error instanceof errors.JOSEError) return 'forged';
        throw error;
      }
    },
  };
}
