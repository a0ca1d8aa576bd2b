import { generateSecret, generateURI, verifySync } from 'otplib';

const issuer = 'Gatehouse';
const seedBytes = 20;
const stepSeconds = 30;

/** 160 random bits in base32, for one authenticator (RFC 6238: SHA-1, six digits, 30 seconds). */
export function newSeed(): string {
  return generateSecret({ length: seedBytes });
}

/** What an authenticator reads from the QR code. */
export function otpauthUri(input: { seed: string; email: string }): string {
  return generateURI({ issuer, label: input.email, secret: input.seed, period: stepSeconds });
}

/**
 * The time step that a code belongs to, of now, the one before and the one after; null for any other code. Whether that
 * step is still to be had is for the caller to decide.
 */
export function stepOf(input: { seed: string; code: string }, now: Date): number | null {
  const { seed, code } = input;
  // The library throws on what is no code.
  if (!/^\d{6}$/.test(code)) return null;
  const epoch = Math.floor(now.getTime() / 1000);
  const found = verifySync({ secret: seed, token: code, period: stepSeconds, epoch, epochTolerance: stepSeconds });
  return found.valid && 'timeStep' in found ? found.timeStep : null;
}
