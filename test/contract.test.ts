import { readFileSync } from 'node:fs';
import path from 'node:path';
import { buildSchema } from 'graphql';
import { expect, test } from 'vitest';
import { compareWithContract } from './support/contract.ts';

const contract = buildSchema(readFileSync(path.join(import.meta.dirname, 'contract.graphql'), 'utf8'));
const schema = buildSchema(readFileSync(path.join(import.meta.dirname, '../schema.graphql'), 'utf8'));
const { missing, contradictions } = compareWithContract(contract, schema);

test('contradicts the contract nowhere', () => {
  expect(contradictions).toEqual([]);
});

test('has all of the contract', () => {
  expect(missing).toEqual([]);
});
