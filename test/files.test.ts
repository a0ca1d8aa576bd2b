import { beforeAll, describe, expect, test } from 'vitest';
import { decodeId, newId } from '../src/platform/typeid.ts';
import { graphql } from './generated/gql.ts';
import type { FilesQueryVariables } from './generated/graphql.ts';
import { aKey, aSecuredOwner } from './support/api-keys.ts';
import { aCast, type CallerKind, type Cast, callerKinds } from './support/callers.ts';
import { aFile, FileById, orphans, storageOf } from './support/files.ts';
import { aPerson, type Caller, useApp } from './support/world.ts';

const app = useApp();

const Files = graphql(`
  query Files(
    $id: ID!
    $first: Int
    $after: String
    $last: Int
    $before: String
    $trashed: Boolean
    $search: String
    $orderBy: FileOrder
  ) {
    organization(id: $id) {
      files(
        first: $first
        after: $after
        last: $last
        before: $before
        trashed: $trashed
        search: $search
        orderBy: $orderBy
      ) {
        totalCount
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        edges { cursor node { id name size createdAt trashedAt uploadedBy { name } } }
      }
    }
  }
`);
const Rename = graphql(`
  mutation Rename($id: ID!, $name: String!) {
    renameFile(input: { id: $id, name: $name }) {
      __typename
      ... on FileRenamed { file { id name } }
      ... on ValidationFailed { issues { path } }
    }
  }
`);
const Trash = graphql(`
  mutation Trash($id: ID!) { trashFile(input: { id: $id }) { __typename ... on FileTrashed { file { id trashedAt } } } }
`);
const Restore = graphql(`
  mutation Restore($id: ID!) {
    restoreFile(input: { id: $id }) { __typename ... on FileRestored { file { id trashedAt } } }
  }
`);
const Purge = graphql(`
  mutation Purge($id: ID!) { purgeFile(input: { id: $id }) { __typename ... on FilePurged { fileId } } }
`);

const uuidOf = (fileId: string) => decodeId('File', fileId) ?? '';

async function listOf(caller: Caller, variables: FilesQueryVariables) {
  const { data, codes } = await caller.send(Files, variables);
  if (!data.organization) throw new Error(`no files: ${codes}`);
  return data.organization.files;
}

async function namesOf(caller: Caller, variables: FilesQueryVariables) {
  return (await listOf(caller, variables)).edges.map(({ node }) => node.name);
}

/** Rows without objects, for what is about rows alone. */
async function manyFiles(organizationId: string, count: number) {
  const start = Date.now();
  const rows = Array.from({ length: count }, (_, at) => ({
    id: newId(),
    organizationId: decodeId('Organization', organizationId) ?? '',
    name: `file-${String(at).padStart(4, '0')}.txt`,
    size: at % 7,
    contentType: 'text/plain',
    sha256: '',
    storageKey: newId(),
    // Several of the same moment.
    createdAt: new Date(start + Math.floor(at / 3)),
  }));
  await app.platform.db.file.createMany({ data: rows });
  return rows;
}

describe('Organization.files', () => {
  const orders = (['CREATED_AT', 'NAME', 'SIZE'] as const).flatMap((field) =>
    (['ASC', 'DESC'] as const).map((direction) => ({ field, direction })),
  );

  test.each(orders)(
    'F02 pages over 1,050 files by %j without a gap or a repeat while others come and go',
    async (orderBy) => {
      const ada = await aPerson(app);
      const { organizationId: id } = ada;
      const rows = await manyFiles(id, 1_050);
      const seen: string[] = [];
      let after: string | null = null;
      const trashed = new Set<string>();
      do {
        const page = await listOf(ada, { id, first: 100, after, orderBy });
        seen.push(...page.edges.map(({ node }) => node.name));
        after = page.pageInfo.hasNextPage ? (page.pageInfo.endCursor ?? null) : null;
        const last = rows.find(({ name }) => name === seen.findLast((name) => name.startsWith('file-')));
        // The one that the cursor stands on goes, or the one before, and a further one comes.
        await app.platform.db.file.update({ where: { id: last?.id ?? '' }, data: { trashedAt: new Date() } });
        trashed.add(last?.name ?? '');
        await app.platform.db.file.create({
          data: { ...(rows[0] as (typeof rows)[0]), id: newId(), name: `new-${newId()}`, storageKey: newId() },
        });
      } while (after);
      const old = seen.filter((name) => name.startsWith('file-'));
      expect(new Set(seen).size).toBe(seen.length);
      expect(new Set(old)).toEqual(new Set(rows.map(({ name }) => name)));
      const { totalCount } = await listOf(ada, { id, first: 1 });
      expect(totalCount).toBe(
        await app.platform.db.file.count({
          where: { organization: { id: decodeId('Organization', id) ?? '' }, trashedAt: null },
        }),
      );
      expect(await listOf(ada, { id, first: 1, trashed: true })).toMatchObject({ totalCount: trashed.size });
    },
  );

  test.each(orders)('F02 gives the same list backwards by %j', async (orderBy) => {
    const ada = await aPerson(app);
    const { organizationId: id } = ada;
    await manyFiles(id, 50);
    const forwards = (await listOf(ada, { id, first: 50, orderBy })).edges.map(({ node }) => node.name);
    const backwards: string[] = [];
    let before: string | null = null;
    do {
      const page = await listOf(ada, { id, last: 20, before, orderBy });
      backwards.unshift(...page.edges.map(({ node }) => node.name));
      before = page.pageInfo.hasPreviousPage ? (page.pageInfo.startCursor ?? null) : null;
    } while (before);
    expect(backwards).toEqual(forwards);
  });

  test('refuses a cursor of another order, and one of another organization', async () => {
    const [ada, bob] = [await aPerson(app), await aPerson(app)];
    await manyFiles(ada.organizationId, 3);
    const cursor = (await listOf(ada, { id: ada.organizationId, first: 1 })).pageInfo.endCursor ?? null;
    const byName = { field: 'NAME', direction: 'ASC' } as const;
    const wrong = [
      ada.send(Files, { id: ada.organizationId, after: cursor, orderBy: byName }),
      bob.send(Files, { id: bob.organizationId, after: cursor }),
    ];
    for (const { codes } of await Promise.all(wrong)) expect(codes).toEqual(['BAD_USER_INPUT']);
  });

  test('searches names, as they are written', async () => {
    const ada = await aPerson(app);
    const id = ada.organizationId;
    for (const name of ['Report 100%.txt', 'report 1000.txt', 'a_b.txt', 'axb.txt']) await aFile(ada, { name });
    expect(await namesOf(ada, { id, search: 'REPORT' })).toHaveLength(2);
    expect(await namesOf(ada, { id, search: '100%' })).toEqual(['Report 100%.txt']);
    expect(await namesOf(ada, { id, search: 'a_b' })).toEqual(['a_b.txt']);
    expect(await listOf(ada, { id, search: 'nothing' })).toMatchObject({ totalCount: 0, edges: [] });
  });

  test.each<[CallerKind, string | number | null]>([
    ['anonymous', null],
    ['outsider', null],
    ['member', 1],
    ['admin', 1],
    ['owner', 1],
    ['superuser without second factor', null],
    ['superuser', 1],
  ])('shows %s %j', async (kind, count) => {
    const { callers, organizationId, fileId } = await theCast();
    const { data } = await callers[kind].send(Files, { id: organizationId });
    expect(data.organization?.files.totalCount ?? null).toBe(count);
    const { node } = (await callers[kind].send(FileById, { id: fileId })).data;
    expect(node && 'name' in node ? 1 : null).toBe(count);
  });

  test('is open to a key with files:read', async () => {
    const owner = await aSecuredOwner(app);
    const id = owner.organizationId;
    const fileId = await aFile(owner);
    const [reader, other] = [
      await aKey(app, owner, { scopes: ['files:read'] }),
      await aKey(app, owner, { scopes: ['members:read'] }),
    ];
    expect((await listOf(reader, { id })).edges).toMatchObject([{ node: { id: fileId, uploadedBy: null } }]);
    expect((await other.send(Files, { id })).codes).toEqual(['FORBIDDEN']);
    expect((await other.send(FileById, { id: fileId })).data.node).toBeNull();
  });
});

let cast: Promise<Cast & { fileId: string }> | undefined;
function theCast() {
  cast ??= aCast(app).then(async (made) => ({ ...made, fileId: await aFile({ ...made.owner }) }));
  return cast;
}

describe('changing a file', () => {
  beforeAll(() => theCast());

  const refused = {
    anonymous: 'UNAUTHENTICATED',
    outsider: 'NOT_FOUND',
    'superuser without second factor': 'NOT_FOUND',
    superuser: 'NOT_FOUND',
  };

  test.each([
    ['renameFile', Rename, { ...refused, member: 'FileRenamed', admin: 'FileRenamed', owner: 'FileRenamed' }],
    ['trashFile', Trash, { ...refused, member: 'FileTrashed', admin: 'FileTrashed', owner: 'FileTrashed' }],
    ['restoreFile', Restore, { ...refused, member: 'FileRestored', admin: 'FileRestored', owner: 'FileRestored' }],
    ['purgeFile', Purge, { ...refused, member: 'FORBIDDEN', admin: 'FilePurged', owner: 'FilePurged' }],
  ] as const)('%s is for whom it concerns', async (field, document, expected) => {
    const { callers, owner } = await theCast();
    const outcomes: Record<string, string> = {};
    for (const kind of callerKinds) {
      const id = await aFile(owner);
      const before = await app.platform.db.file.findUnique({ where: { id: uuidOf(id) } });
      const { data, codes } = await callers[kind].send<Record<string, { __typename: string }>, object>(
        document as never,
        { id, name: 'other.txt' },
      );
      outcomes[kind] = codes[0] ?? data[field]?.__typename ?? '';
      if (codes[0]) expect(await app.platform.db.file.findUnique({ where: { id: uuidOf(id) } })).toEqual(before);
    }
    expect(outcomes).toEqual(expected);
  });

  test('F02 the trash is another list, and counts until it is purged', async () => {
    const ada = await aPerson(app);
    const { organizationId: id } = ada;
    const [kept, gone] = [await aFile(ada, { name: 'kept.txt' }), await aFile(ada, { name: 'gone.txt' })];
    await ada.send(Trash, { id: gone });
    const twice = await ada.send(Trash, { id: gone });
    expect(twice.data.trashFile).toMatchObject({ file: { trashedAt: expect.any(String) } });
    expect([await namesOf(ada, { id }), await namesOf(ada, { id, trashed: true })]).toEqual([
      ['kept.txt'],
      ['gone.txt'],
    ]);
    expect((await listOf(ada, { id })).totalCount).toBe(1);
    expect(await storageOf(app, id)).toMatchObject({ used: 10, inFiles: 10 });
    await ada.send(Restore, { id: gone });
    expect((await namesOf(ada, { id })).sort()).toEqual(['gone.txt', 'kept.txt']);
    await ada.send(Trash, { id: gone });
    const purges = await Promise.all(Array.from({ length: 20 }, () => ada.send(Purge, { id: gone })));
    expect(purges.filter(({ codes }) => codes.length === 0)).toHaveLength(1);
    expect(purges.filter(({ codes }) => codes[0] === 'NOT_FOUND')).toHaveLength(19);
    expect(await namesOf(ada, { id, trashed: true })).toEqual([]);
    expect(await storageOf(app, id)).toMatchObject({ used: 5, inFiles: 5, reserved: 0, missingObjects: 0 });
    expect(await orphans(app)).toEqual([]);
    const entries = await app.platform.db.auditEntry.findMany({
      where: { targetId: uuidOf(gone) },
      orderBy: { sequence: 'asc' },
    });
    expect(entries.map(({ action }) => action)).toEqual([
      'file.created',
      'file.trashed',
      'file.restored',
      'file.trashed',
      'file.purged',
    ]);
    expect((await ada.send(FileById, { id: kept })).data.node).toMatchObject({ name: 'kept.txt' });
  });

  test('renameFile keeps to names that fit what is in the file', async () => {
    const ada = await aPerson(app);
    const id = await aFile(ada);
    const rename = async (name: string) => (await ada.send(Rename, { id, name })).data.renameFile;
    expect(await rename(' notes.md ')).toMatchObject({ file: { name: 'notes.md' } });
    for (const name of ['', 'a/b', 'notes.exe', 'notes.png', 'page.html'])
      expect(await rename(name)).toMatchObject({ issues: [{ path: ['name'] }] });
  });
});
