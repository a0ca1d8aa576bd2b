import { expect, test } from 'vitest';
import { breaks } from './support/breaks.ts';
import { parse, testsOf, textOf } from './support/sources.ts';

const findings = [...textOf('docs/findings.md').matchAll(/^\| (F\d\d) \|/gm)].map(([, id = '']) => id);

test('every finding has an edit that brings it back', () => {
  expect([...new Set(breaks.map(({ finding }) => finding))].sort()).toEqual(findings);
});

test.each(breaks)('$finding comes back by an edit that can be made, and has a test to stand against it', (one) => {
  expect(textOf(one.file).split(one.from)).toHaveLength(2);
  expect(one.to).not.toContain(one.from);
  expect(testsOf(parse(one.test)).filter(({ name }) => name.includes(one.finding))).not.toEqual([]);
});
