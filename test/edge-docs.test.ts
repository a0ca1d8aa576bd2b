import { parse, validate } from 'graphql';
import { expect, test } from 'vitest';
import { limits } from '../src/edge/limits.ts';
import { schema } from '../src/graphql/schema.ts';
import { textOf } from './support/sources.ts';

test('docs/edge.md tells every limit as it is', () => {
  const rows = [...textOf('docs/edge.md').matchAll(/^\| `(\w+)` \| ([\d,]+) \|/gm)];
  const told = Object.fromEntries(rows.map(([, name, value]) => [name, Number(value?.replaceAll(',', ''))]));
  expect(told).toEqual(limits);
});

test('@defer and @stream are refused, as decision 081 says', () => {
  for (const text of ['{ ... @defer { viewer { id } } }', '{ viewer { sessions @stream { id } } }'])
    expect(validate(schema, parse(text)).map(({ message }) => message)).toEqual([
      expect.stringMatching(/^Unknown directive "@(defer|stream)"\.$/),
    ]);
});
