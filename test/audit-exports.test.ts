import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { systemCtx } from '../src/context.ts';
import { removeExpiredExports } from '../src/domains/audit-exports/audit-exports.service.ts';
import { writeExport } from '../src/domains/audit-exports/export-file.service.ts';
import { newId } from '../src/platform/typeid.ts';
import { graphql } from './generated/gql.ts';
import { aSecuredOwner } from './support/api-keys.ts';
import { aCast, type CallerKind, type Cast } from './support/callers.ts';
import { withSecondFactor } from './support/second-factor.ts';
import { Logout } from './support/session-operations.ts';
import { aMemberOf, anAddress, InviteMember, type Person, startTestApp, useApp } from './support/world.ts';

const app = useApp();

const Export = graphql(`
  mutation ExportAuditLog($input: ExportAuditLogInput!) {
    exportAuditLog(input: $input) {
      __typename
      ... on AuditExportRequested { auditExport { id state entryCount downloadUrl organization { id } } }
      ... on ValidationFailed { issues { path } }
    }
  }
`);
const AuditExport = graphql(`
  query AuditExport($id: ID!) {
    auditExport(id: $id) { id state entryCount createdAt expiresAt downloadUrl }
    node(id: $id) { __typename }
  }
`);

interface Line {
  readonly entry: { action: string; sequence: string; chainId: string; metadata: Record<string, unknown> };
  readonly hash: string;
  readonly previousHash: string;
}

async function ask(admin: Pick<Person, 'send'>, organizationId: string, range: { from?: string; to?: string } = {}) {
  const { data, codes } = await admin.send(Export, { input: { organizationId, ...range } });
  const result = data?.exportAuditLog;
  const made = result?.__typename === 'AuditExportRequested' ? result.auditExport : null;
  return { outcome: codes[0] ?? result?.__typename, made, id: made?.id ?? '', result };
}

const lookAt = async (person: Pick<Person, 'send'>, id: string) => (await person.send(AuditExport, { id })).data;

/** The address of an export, as soon as it is ready. */
async function readyUrl(person: Person, id: string): Promise<string> {
  const look = async () => {
    const { auditExport } = await lookAt(person, id);
    if (auditExport?.state !== 'READY' || !auditExport.downloadUrl) throw new Error(`it is ${auditExport?.state}`);
    return auditExport.downloadUrl;
  };
  return vi.waitFor(look, { timeout: 10_000, interval: 50 });
}

async function linesAt(url: string): Promise<Line[]> {
  const text = await (await fetch(url)).text();
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

function hashOf({ previousHash, entry }: Line): string {
  return createHash('sha256')
    .update(Buffer.from(previousHash, 'hex'))
    .update(canonicalize(entry) ?? '')
    .digest('hex');
}

const invite = (person: Person) =>
  person.send(InviteMember, { input: { organizationId: person.organizationId, email: anAddress() } });

describe('exportAuditLog', () => {
  let cast: Cast;
  let secured: Record<'owner' | 'admin' | 'member', Person>;
  beforeAll(async () => {
    cast = await aCast(app);
    const admin = await aMemberOf(app, cast.owner, { role: 'ADMIN', name: 'Anna' });
    const member = await aMemberOf(app, cast.owner, { name: 'Mona' });
    for (const person of [admin, member, cast.owner]) await withSecondFactor(app, person);
    secured = { owner: cast.owner, admin, member };
  });

  test.each<[CallerKind | 'admin with second factor' | 'member with second factor', string]>([
    ['anonymous', 'UNAUTHENTICATED'],
    ['outsider', 'NOT_FOUND'],
    ['member', 'FORBIDDEN'],
    ['member with second factor', 'FORBIDDEN'],
    ['admin', 'MFA_REQUIRED'],
    ['admin with second factor', 'AuditExportRequested'],
    ['owner', 'AuditExportRequested'],
    ['superuser without second factor', 'NOT_FOUND'],
    ['superuser', 'NOT_FOUND'],
  ])('by %s: %s', async (kind, outcome) => {
    const people = { 'admin with second factor': secured.admin, 'member with second factor': secured.member };
    const caller = kind in people ? people[kind as keyof typeof people] : cast.callers[kind as CallerKind];
    const { auditExport, auditEntry } = app.platform.db;
    const before = [
      await auditExport.count(),
      await auditEntry.count({ where: { action: 'auditLog.exportRequested' } }),
    ];
    expect((await ask(caller, cast.organizationId)).outcome).toBe(outcome);
    const more = outcome === 'AuditExportRequested' ? 1 : 0;
    const after = [
      await auditExport.count(),
      await auditEntry.count({ where: { action: 'auditLog.exportRequested' } }),
    ];
    expect(after).toEqual(before.map((count) => count + more));
  });

  test('gives the one who asked, and nobody else, the whole chain as lines that prove themselves', async () => {
    const { owner, admin, member } = secured;
    for (let i = 0; i < 3; i += 1) await invite(owner);
    const { id, made } = await ask(owner, cast.organizationId);
    expect(made).toMatchObject({ state: 'PENDING', downloadUrl: null, organization: { id: cast.organizationId } });
    const url = await readyUrl(owner, id);
    const response = await fetch(url);
    expect([response.status, response.headers.get('content-type'), response.headers.get('cache-control')]).toEqual([
      200,
      'application/jsonl; charset=utf-8',
      'no-store',
    ]);
    expect(response.headers.get('content-disposition')).toMatch(/^attachment; filename="audit-log-[\d-]+\.jsonl"$/);
    const lines = await linesAt(url);
    expect(lines).toHaveLength(Number(made?.entryCount));
    expect(lines.map(({ entry }) => Number(entry.sequence))).toEqual(lines.map((_, at) => at + 1));
    expect(lines.map(hashOf)).toEqual(lines.map(({ hash }) => hash));
    expect(lines.map(({ previousHash }) => previousHash)).toEqual(['', ...lines.slice(0, -1).map(({ hash }) => hash)]);
    expect(lines[0]?.entry.action).toBe('organization.created');
    for (const other of [admin, member, cast.callers.outsider, cast.callers.superuser, cast.callers.anonymous]) {
      expect(await lookAt(other, id)).toEqual({ auditExport: null, node: null });
    }
    expect((await lookAt(owner, id)).node).toEqual({ __typename: 'AuditExport' });
  });

  test('is audited twice, for the asking and for the writing, and tells the one who asked', async () => {
    const { owner } = secured;
    const { id } = await ask(owner, cast.organizationId);
    const next = await ask(owner, cast.organizationId);
    await readyUrl(owner, id);
    const lines = await linesAt(await readyUrl(owner, (await ask(owner, cast.organizationId)).id));
    const told = lines.map(({ entry }) => entry).filter(({ action }) => action.startsWith('auditLog.'));
    expect(told.map(({ action }) => action)).toEqual(
      expect.arrayContaining(['auditLog.exportRequested', 'auditLog.exported']),
    );
    expect(told.at(-1)?.metadata).toMatchObject({ firstSequence: 1, lastSequence: expect.any(Number) });
    expect(next.outcome).toBe('AuditExportRequested');
    const notifications = await app.platform.db.notification.count({
      where: { type: 'auditExport.ready', user: { email: owner.email } },
    });
    expect(notifications).toBeGreaterThan(0);
  });

  test('holds what was done between two moments, and nothing is a file too', async () => {
    const owner = await aSecuredOwner(app);
    const from = new Date().toISOString();
    await invite(owner);
    await invite(owner);
    const to = new Date(Date.now() + 1).toISOString();
    await vi.waitFor(() => expect(new Date().toISOString() > to).toBe(true));
    await invite(owner);
    const { id } = await ask(owner, owner.organizationId, { from, to });
    const actions = (await linesAt(await readyUrl(owner, id))).map(({ entry }) => entry.action);
    expect(actions).toEqual(['invitation.sent', 'invitation.sent']);
    const empty = await ask(owner, owner.organizationId, { from: '2100-01-01T00:00:00Z' });
    expect(empty.made?.entryCount).toBe(0);
    expect(await linesAt(await readyUrl(owner, empty.id))).toEqual([]);
    expect((await ask(owner, owner.organizationId, { from: to, to: from })).result).toEqual({
      __typename: 'ValidationFailed',
      issues: [{ path: ['to'] }],
    });
  });

  test('makes the same parts however often it runs, twice at once too', async () => {
    const owner = await aSecuredOwner(app);
    const big = 'x'.repeat(400_000);
    await app.platform.db.$executeRaw`
      INSERT INTO audit_entries (id, chain_id, sequence, action, actor_kind, metadata, created_at, previous_hash, hash)
      SELECT gen_random_uuid(), h.chain_id, h.sequence + n, 'test.filled', 'system', jsonb_build_object('text', ${big}::text),
             now(), '\\x', '\\x'
      FROM audit_heads h JOIN organizations o ON o.id = h.chain_id JOIN memberships m ON m.organization_id = o.id
      JOIN users u ON u.id = m.user_id CROSS JOIN generate_series(1, 7) n WHERE u.email = ${owner.email}`;
    const { organizationId, userId } = await app.platform.db.membership.findFirstOrThrow({
      where: { user: { email: owner.email } },
    });
    await app.platform.db.auditHead.update({
      where: { chainId: organizationId },
      data: { sequence: { increment: 7 } },
    });
    const { _max } = await app.platform.db.auditEntry.aggregate({
      where: { chainId: organizationId },
      _max: { sequence: true },
    });
    const row = { organizationId, requestedById: userId, firstSequence: 1n, lastSequence: _max.sequence ?? 0n };
    const id = newId();
    const createdAt = new Date();
    const expiresAt = new Date(createdAt.getTime() + 60_000);
    await app.platform.db.auditExport.create({ data: { id, ...row, createdAt, expiresAt } });
    const write = () => writeExport(systemCtx(app.platform), { auditExportId: id }, new AbortController().signal);
    await Promise.all(Array.from({ length: 20 }, write));
    await write();
    const parts = await app.platform.db.auditExportPart.findMany({
      where: { exportId: id },
      orderBy: { position: 'asc' },
    });
    expect(parts.length).toBeGreaterThan(2);
    expect(parts.every(({ lines }) => lines.length <= 1024 * 1024)).toBe(true);
    const text = parts.map(({ lines }) => lines).join('');
    expect(
      text
        .split('\n')
        .slice(0, -1)
        .map((line) => Number((JSON.parse(line) as Line).entry.sequence)),
    ).toEqual(Array.from({ length: Number(row.lastSequence) }, (_, at) => at + 1));
    expect(await app.platform.db.auditEntry.count({ where: { targetId: id, action: 'auditLog.exported' } })).toBe(1);
  });

  test('is limited to ten an hour for one organization', async () => {
    const strict = await startTestApp({ RATE_LIMIT_SCALE: '1' });
    const owner = await aSecuredOwner(strict);
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(owner, owner.organizationId)));
    const outcomes = answers.map(({ outcome }) => outcome);
    expect(outcomes.filter((outcome) => outcome === 'AuditExportRequested')).toHaveLength(10);
    expect(outcomes.filter((outcome) => outcome === 'RATE_LIMITED')).toHaveLength(10);
    expect(await strict.platform.db.auditExport.count()).toBe(10);
    await strict.close();
  });
});

describe('the address of an export', () => {
  async function anExport() {
    const host = await aSecuredOwner(app);
    const admin = await aMemberOf(app, host, { role: 'ADMIN', name: 'Anna' });
    await withSecondFactor(app, admin);
    const { id } = await ask(admin, host.organizationId);
    return { host, admin, id, url: await readyUrl(admin, id) };
  }
  const statusOf = async (url: string) => (await fetch(url)).status;

  test.each<[string, (made: Awaited<ReturnType<typeof anExport>>) => Promise<unknown>]>([
    ['the session has ended', ({ admin }) => admin.send(Logout)],
    [
      'the person is no admin any more',
      ({ admin }) =>
        app.platform.db.membership.updateMany({ where: { user: { email: admin.email } }, data: { role: 'MEMBER' } }),
    ],
    [
      'the person has been removed',
      ({ admin }) => app.platform.db.membership.deleteMany({ where: { user: { email: admin.email } } }),
    ],
    [
      'the person is locked out',
      ({ admin }) => app.platform.db.user.update({ where: { email: admin.email }, data: { lockedAt: new Date() } }),
    ],
    ['its day is over', () => removeExpiredExports({ ...systemCtx(app.platform), now: inADay })],
  ])('is void once %s', async (_what, end) => {
    const made = await anExport();
    expect(await statusOf(made.url)).toBe(200);
    await end(made);
    expect(await statusOf(made.url)).toBe(404);
  });

  test('opens nothing when it is changed, made up, for another purpose, or five minutes old', async () => {
    const { url } = await anExport();
    const grant = new URL(url).searchParams.get('grant') ?? '';
    const { payload } = (await app.platform.signatures.read('audit-export', grant)) as { payload: object };
    const signed = (type: string, changed: object) => app.platform.signatures.sign(type, { ...payload, ...changed });
    const [late, early] = [Date.now() - 1, Date.now() + 60_000];
    expect(await statusOf(withGrant(url, await signed('audit-export', { expiresAt: early })))).toBe(200);
    for (const bad of [
      '',
      'nonsense',
      `${grant.slice(0, -4)}AAAA`,
      await signed('audit-checkpoint', {}),
      await signed('audit-export', { expiresAt: late }),
      await signed('audit-export', { auditExportId: newId() }),
      await signed('audit-export', { sessionId: newId() }),
    ]) {
      expect(await statusOf(withGrant(url, bad)), bad).toBe(404);
    }
  });

  test('tells its head without the file, and takes nothing but reading', async () => {
    const { url } = await anExport();
    const head = await fetch(url, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect((await fetch(url, { method: 'POST' })).status).toBe(405);
  });
});

const inADay = () => new Date(Date.now() + 86_400_001);

function withGrant(url: string, grant: string): string {
  const changed = new URL(url);
  changed.searchParams.set('grant', grant);
  return changed.href;
}
