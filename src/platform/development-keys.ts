import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import type { Config, KeyringKey, SigningJwk } from '../config.ts';
import { prepareDataDir, readOrMakeFile } from './data-dir.ts';

/** The key ring of the configuration, else one that is generated into the data folder for good, written as in `KEYRING`. */
export function loadKeyring(config: Config): readonly KeyringKey[] {
  if (config.keyring) return config.keyring;
  const text = readGenerated(config, 'keyring', `local:${randomBytes(32).toString('base64')}`);
  return text.split(',').map((key) => {
    const [id = '', base64 = ''] = key.split(':');
    return { id, secret: Buffer.from(base64, 'base64') };
  });
}

/** Private JWKs, the first one signs: the configuration's, else an Ed25519 key generated into the data folder for good. */
export async function loadSigningKeys(config: Config): Promise<readonly SigningJwk[]> {
  if (config.signingKeys) return config.signingKeys.keys;
  const text = readGenerated(config, 'signing-keys.json', JSON.stringify({ keys: [await makeSigningKey()] }));
  return (JSON.parse(text) as { keys: SigningJwk[] }).keys;
}

async function makeSigningKey(): Promise<SigningJwk> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const jwk = await exportJWK(privateKey);
  return { ...jwk, alg: 'EdDSA', use: 'sig', kid: await calculateJwkThumbprint(jwk) };
}

function readGenerated(config: Config, name: string, fresh: string): string {
  prepareDataDir(config.dataDir);
  return readOrMakeFile(path.join(config.dataDir, name), fresh).trim();
}
