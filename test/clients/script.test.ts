import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { graphql } from '../generated/gql.ts';
import { aKey, aSecuredOwner } from '../support/api-keys.ts';
import { aMemberOf, type Person, useApp } from '../support/world.ts';

const app = useApp();
const run = promisify(execFile);

const SlugOf = graphql(`query SlugOf($id: ID!) { organization(id: $id) { slug } }`);

async function slugOf(person: Person): Promise<string> {
  const { data } = await person.send(SlugOf, { id: person.organizationId });
  return data.organization?.slug ?? '';
}

/** Runs the script as a person would who holds a key. */
function listMembers(slug: string, key: string) {
  const env = { ...process.env, GATEHOUSE_URL: app.url, GATEHOUSE_API_KEY: key };
  return run(process.execPath, ['examples/script/list-members.ts', slug], { env });
}

describe('the example script', () => {
  test('lists the members of an organization with an API key', async () => {
    const olga = await aSecuredOwner(app);
    const grace = await aMemberOf(app, olga);
    const key = await aKey(app, olga, { scopes: ['organization:read', 'members:read'] });
    const { stdout } = await listMembers(await slugOf(olga), key.secret);
    expect(stdout.trim().split('\n').sort()).toEqual(
      [`MEMBER\t${grace.name}\t${grace.email}`, `OWNER\t${olga.name}\t${olga.email}`].sort(),
    );
  });

  test('ends with what the API says to a key that is not good', async () => {
    await expect(listMembers('acme', 'gh_nonsense')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining("code: 'UNAUTHENTICATED'"),
    });
  });
});
