import { type Change, CriticalityLevel, diff } from '@graphql-inspector/core';
import { buildSchema } from 'graphql';
import { describe, expect, test } from 'vitest';
import { textOf } from './support/sources.ts';

/**
 * Breaking changes of `now` against `released` that the unreleased part of `changelog` does not own up to: a line there
 * that has the path in backticks, as `User.name`, and a date from which on it holds.
 */
async function unannounced(released: string, now: string, changelog: string): Promise<string[]> {
  const changes = await diff(buildSchema(released), buildSchema(now));
  const lines = linesOf(unreleasedOf(changelog));
  return changes
    .filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking)
    .filter(({ path }) => !lines.some((line) => line.includes(`\`${path}\``) && /\b\d{4}-\d{2}-\d{2}\b/.test(line)))
    .map(tell);
}

function tell({ path, message }: Change): string {
  return `${path}: ${message}`;
}

function unreleasedOf(changelog: string): string {
  return /^## \[Unreleased\]\n(.*?)(?=^## |$(?![\s\S]))/ms.exec(changelog)?.[1] ?? '';
}

/** List items, each in one line. */
function linesOf(text: string): string[] {
  return text.split(/^- /m).map((item) => item.replace(/\s+/g, ' '));
}

describe('a change of the API', () => {
  test('that breaks what was released is named in CHANGELOG.md, with a date', async () => {
    const [released, now, changelog] = ['test/released.graphql', 'schema.graphql', 'CHANGELOG.md'].map(textOf);
    expect(await unannounced(released ?? '', now ?? '', changelog ?? '')).toEqual([]);
  });

  const released = 'type Query { old(first: Int): String, kept: String } enum Color { RED GREEN }';
  const changelogOf = (item: string) => `# Changelog\n\n## [Unreleased]\n\n### Removed\n${item}\n\n## [1.0.0]\n`;

  test.each([
    ['a field that is gone', 'type Query { kept: String } enum Color { RED GREEN }', 'Query.old'],
    [
      'a field of another type',
      'type Query { old(first: Int): String, kept: Int } enum Color { RED GREEN }',
      'Query.kept',
    ],
    [
      'an argument that is asked for',
      'type Query { old(first: Int!): String, kept: String } enum Color { RED GREEN }',
      'Query.old.first',
    ],
    ['a value that is gone', 'type Query { old(first: Int): String, kept: String } enum Color { RED }', 'Color.GREEN'],
  ])('breaks with %s, until it is announced', async (_, now, path) => {
    const found = await unannounced(released, now, changelogOf('- Nothing of the kind.'));
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`${path}: `);
    expect(await unannounced(released, now, changelogOf(`- \`${path}\` is gone.`))).toHaveLength(1);
    expect(await unannounced(released, now, changelogOf(`- \`${path}\` is gone from\n  2027-03-01 on.`))).toEqual([]);
    expect(
      await unannounced(released, now, `# Changelog\n\n## [Unreleased]\n\n## [1.0.0]\n- \`${path}\` 2026-01-01\n`),
    ).toHaveLength(1);
  });

  test('that adds breaks nothing', async () => {
    const now =
      'type Query { old(first: Int, last: Int): String, kept: String, more: Int } enum Color { RED GREEN BLUE }';
    expect(await unannounced(released, now, changelogOf(''))).toEqual([]);
  });
});
