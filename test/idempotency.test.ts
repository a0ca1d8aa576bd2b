import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpServer, startHttpServer } from '../src/edge/http.ts';
import { schema } from '../src/graphql/schema.ts';
import { decodeId } from '../src/platform/typeid.ts';
import { graphql } from './generated/gql.ts';
import { aKey, aSecuredOwner, CreateApiKey } from './support/api-keys.ts';
import { aPerson, callerWith, InviteMember, Login, type Person, password, useApp } from './support/world.ts';

const app = useApp();
let other: HttpServer;
beforeAll(async () => {
  other = await startHttpServer(app.platform, schema);
});
afterAll(() => other.close());

const Found = graphql(`mutation Found($name: String!) {
  createOrganization(input: { name: $name }) { __typename ... on OrganizationCreated { organization { id name } } }
}`);

const withKey = (key: string) => ({ 'idempotency-key': key });
const organizationsOf = ({ id }: Person) =>
  app.platform.db.membership.count({ where: { user: { id: decodeId('User', id) ?? '' } } });

describe('Idempotency-Key', () => {
  test('the same request again has the same answer and no further effect, and says so', async () => {
    const ada = await aPerson(app);
    const key = randomUUID();
    const first = await ada.send(Found, { name: 'Analytical Engines' }, withKey(key));
    const again = await ada.send(Found, { name: 'Analytical Engines' }, withKey(key));
    expect(again.data).toEqual(first.data);
    expect([first, again].map(({ headers }) => headers.get('idempotency-replayed'))).toEqual([null, 'true']);
    expect(await organizationsOf(ada)).toBe(2);
    expect(app.logLines.filter(({ operationName }) => operationName === 'Found').map(({ outcome }) => outcome)).toEqual(
      ['ok', 'ok'],
    );
  });

  test('twenty at once on two servers have one effect and one answer', async () => {
    const ada = await aPerson(app);
    const key = randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        callerWith(n % 2 ? app : other, ada.accessToken).send(Found, { name: 'Race' }, withKey(key)),
      ),
    );
    expect(new Set(answers.map(({ data }) => JSON.stringify(data))).size).toBe(1);
    expect(answers[0]?.data.createOrganization.__typename).toBe('OrganizationCreated');
    expect(await organizationsOf(ada)).toBe(2);
  });

  test('another request under the same key is a Conflict (409) and has no effect', async () => {
    const ada = await aPerson(app);
    const key = randomUUID();
    await ada.send(Found, { name: 'One' }, withKey(key));
    const accept = { accept: 'application/graphql-response+json' };
    const answer = await ada.send(Found, { name: 'Another' }, { ...withKey(key), ...accept });
    expect([answer.status, answer.codes]).toEqual([409, ['CONFLICT']]);
    expect(await organizationsOf(ada)).toBe(2);
  });

  test('is each caller’s own', async () => {
    const [ada, grace] = [await aPerson(app), await aPerson(app, { name: 'Grace' })];
    const key = randomUUID();
    await ada.send(Found, { name: 'Shared' }, withKey(key));
    await grace.send(Found, { name: 'Shared' }, withKey(key));
    expect([await organizationsOf(ada), await organizationsOf(grace)]).toEqual([2, 2]);
  });

  test('works for an API key', async () => {
    const owner = await aSecuredOwner(app);
    const holder = await aKey(app, owner);
    const input = {
      organizationId: owner.organizationId,
      email: `${randomUUID()}@example.com`,
      role: 'MEMBER' as const,
    };
    const key = randomUUID();
    const [first, again] = [
      await holder.send(InviteMember, { input }, withKey(key)),
      await holder.send(InviteMember, { input }, withKey(key)),
    ];
    expect(first.data.inviteMember.__typename).toBe('InvitationSent');
    expect(again.data).toEqual(first.data);
  });

  test('a refusal that a person can act on is an answer like others', async () => {
    const ada = await aPerson(app);
    const key = randomUUID();
    const answers = [
      await ada.send(Found, { name: '' }, withKey(key)),
      await ada.send(Found, { name: '' }, withKey(key)),
    ];
    expect(answers.map(({ data }) => data.createOrganization.__typename)).toEqual([
      'ValidationFailed',
      'ValidationFailed',
    ]);
    expect(answers[1]?.headers.get('idempotency-replayed')).toBe('true');
  });

  test('keeps a secret of an answer sealed, and replays it', async () => {
    const owner = await aSecuredOwner(app);
    const input = { organizationId: owner.organizationId, name: 'Twice', scopes: ['members:read'] };
    const key = randomUUID();
    const first = await owner.send(CreateApiKey, { input }, withKey(key));
    const again = await owner.send(CreateApiKey, { input }, withKey(key));
    expect(again.data).toEqual(first.data);
    if (first.data.createApiKey.__typename !== 'ApiKeySecret') throw new Error('no key');
    const rows = await app.platform.db.idempotentRequest.findMany();
    expect(JSON.stringify(rows)).not.toContain(first.data.createApiKey.secret);
    expect(rows.length).toBeGreaterThan(0);
  });

  test('is for callers that are known: a sign-in is none the same', async () => {
    const ada = await aPerson(app);
    const key = randomUUID();
    const login = () => callerWith(app).send(Login, { input: { email: ada.email, password } }, withKey(key));
    const [one, two] = [await login(), await login()];
    expect(one.data.login).not.toEqual(two.data.login);
  });

  test.each(['', ' ', 'a'.repeat(256), 'with space'])('that is none is BAD_USER_INPUT: "%s"', async (key) => {
    const { codes } = await (await aPerson(app)).send(Found, { name: 'X' }, withKey(key));
    expect(codes).toEqual(['BAD_USER_INPUT']);
  });

  test('of a request that was cut off is a Conflict, not a second effect', async () => {
    const ada = await aPerson(app);
    const key = randomUUID();
    await ada.send(Found, { name: 'Cut off' }, withKey(key));
    const aMinuteAgo = new Date(Date.now() + 86_400_000 - 60_000);
    await app.platform.db.idempotentRequest.updateMany({ data: { answer: null, expiresAt: aMinuteAgo } });
    const { codes } = await ada.send(Found, { name: 'Cut off' }, withKey(key));
    expect(codes).toEqual(['CONFLICT']);
    expect(await organizationsOf(ada)).toBe(2);
  });

  test('is free again after a day, and its row goes with the clean-up', async () => {
    const ada = await aPerson(app);
    const key = randomUUID();
    await ada.send(Found, { name: 'Today' }, withKey(key));
    const past = { expiresAt: new Date(Date.now() - 1000) };
    await app.platform.db.idempotentRequest.updateMany({ data: past });
    await ada.send(Found, { name: 'Tomorrow' }, withKey(key));
    expect(await organizationsOf(ada)).toBe(3);
  });
});
