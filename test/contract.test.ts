import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { buildSchema } from 'graphql';
import { expect, test } from 'vitest';
import { compareWithContract } from './support/contract.ts';

const contract = buildSchema(readFileSync(path.join(import.meta.dirname, 'contract.graphql'), 'utf8'));
const schema = buildSchema(readFileSync(path.join(import.meta.dirname, '../schema.graphql'), 'utf8'));
const pendingFile = path.join(import.meta.dirname, 'contract-pending.txt');
const { missing, contradictions } = compareWithContract(contract, schema);

test('contradicts the contract nowhere', () => {
  expect(contradictions).toEqual([]);
});

// `UPDATE_PENDING=1 npm test -- test/contract.test.ts` takes out of the list what is there by now.
test('lacks of the contract exactly what contract-pending.txt lists, and that list only shrinks', () => {
  if (process.env.UPDATE_PENDING) shrinkPending();
  expect(missing).toEqual(pending());
});

function pending(): string[] {
  return readFileSync(pendingFile, 'utf8').split('\n').filter(Boolean);
}

function shrinkPending(): void {
  const left = existsSync(pendingFile) ? pending().filter((line) => missing.includes(line)) : missing;
  writeFileSync(pendingFile, left.map((line) => `${line}\n`).join(''));
}
