/**
 * Two tenants with the same things in them, and every id of the one asked for by the other in every place of the schema that
 * takes an id. New fields and arguments are found by themselves. A new kind of thing needs a line in `aTenant`: the test
 * that every kind is seen says so.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { buildSchema, isInterfaceType } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeId, encodeId, idPrefixes, type Kind, newId } from '../src/platform/typeid.ts';
import { allThatIsSeen, idsIn } from './support/all-ids.ts';
import { aKey } from './support/api-keys.ts';
import { aFile, anUpload } from './support/files.ts';
import { type IdPlace, idPlaces, placesWithoutWay } from './support/id-places.ts';
import { signInWithSecondFactor, withSecondFactor } from './support/second-factor.ts';
import { type Receiver, startReceiver } from './support/webhook-receiver.ts';
import { allowLoopback, aSubscription, SendTestWebhook, settled } from './support/webhooks.ts';
import { aMemberOf, anAddress, aPerson, type Caller, InviteMember, type Person, useApp } from './support/world.ts';

const app = useApp(allowLoopback);
let receiver: Receiver;
const schema = buildSchema(readFileSync(new URL('../schema.graphql', import.meta.url), 'utf8'));

interface Tenant {
  readonly owner: Person;
  readonly key: Caller;
}

/** Kinds of nodes that no tenant has. */
const ofNoTenant = ['Viewer', 'DeadLetter'];

async function aTenant(): Promise<Tenant> {
  const founder = await aPerson(app, { name: 'Olga' });
  const factor = await withSecondFactor(app, founder);
  const owner = await signInWithSecondFactor(app, founder, factor);
  const { organizationId } = owner;
  await aMemberOf(app, owner, { role: 'ADMIN', name: 'Adam' });
  await aMemberOf(app, owner, { name: 'Mia' });
  await owner.send(InviteMember, { input: { organizationId, email: anAddress() } });
  const key = await aKey(app, owner);
  await owner.send(`mutation { exportAuditLog(input: { organizationId: "${organizationId}" }) { __typename } }`);
  await anIdentityOf(owner);
  await aFile(owner);
  await anUpload(owner);
  const endpoint = await aSubscription(app, { owner, receiver });
  await owner.send(SendTestWebhook, { id: endpoint.id });
  await settled({ owner, id: endpoint.id }, 'SUCCEEDED');
  return { owner, key };
}

async function anIdentityOf({ email }: Person) {
  const { id: userId } = await app.platform.db.user.findUniqueOrThrow({ where: { email } });
  await app.platform.db.identity.create({
    data: { id: newId(), userId, provider: 'github', subject: randomUUID(), email, createdAt: new Date() },
  });
}

/** What is seen in no list of the organization but can be asked for by its id. */
async function idsOfNoList({ organizationId: ofTenant }: Person): Promise<string[]> {
  const { auditExport, upload, webhookDelivery } = app.platform.db;
  const where = { organizationId: decodeId('Organization', ofTenant) ?? '' };
  return [
    ...(await auditExport.findMany({ where })).map(({ id }) => encodeId('AuditExport', id)),
    ...(await upload.findMany({ where })).map(({ id }) => encodeId('Upload', id)),
    ...(await webhookDelivery.findMany({ where })).map(({ id }) => encodeId('WebhookDelivery', id)),
  ];
}

const kindOf = (id: string) =>
  (Object.keys(idPrefixes) as Kind[]).find((kind) => id.startsWith(`${idPrefixes[kind]}_`)) ?? id;

/** The answer without what differs from call to call. */
async function answerTo(caller: Caller, place: IdPlace, id: string): Promise<string> {
  const { status, data, errors } = await caller.send<unknown, never>(place.document(id));
  const told = errors.map(({ message, path, extensions }) => ({ message, path, code: extensions?.code }));
  return JSON.stringify({ status, data: data ?? null, told });
}

describe('one tenant asks for the ids of another', () => {
  let ours: Tenant;
  let theirs: Tenant;
  let seen: string[];
  let ids: string[];
  beforeAll(async () => {
    receiver = await startReceiver();
    [ours, theirs] = [await aTenant(), await aTenant()];
    seen = await allThatIsSeen(theirs.owner, schema, theirs.owner.organizationId);
    ids = [...idsIn(seen), ...(await idsOfNoList(theirs.owner))];
  }, 120_000);
  afterAll(() => receiver.close());

  test('F28 knows an id of every kind of node that a tenant has', () => {
    const node = schema.getType('Node');
    const nodes = isInterfaceType(node) ? schema.getPossibleTypes(node).map(({ name }) => name) : [];
    const kinds = new Set(ids.map(kindOf));
    expect(nodes.filter((name) => !ofNoTenant.includes(name) && !kinds.has(name as Kind))).toEqual([]);
    expect(placesWithoutWay(schema)).toEqual([]);
  });

  test('F28 hears the same as for an id of nothing, wherever one can be given, and changes nothing there', async () => {
    const places = idPlaces(schema, ours.owner.organizationId);
    expect(places.length).toBeGreaterThan(25);
    const asked = twoOfEachKind(ids);
    const leaks: string[] = [];
    for (const [name, caller] of Object.entries(ours) as [string, Caller][]) {
      for (const place of places) {
        const answers = asked.map(async (id) => {
          const nothing = encodeId(kindOf(id) as Kind, newId());
          const [foreign, unknown] = [await answerTo(caller, place, id), await answerTo(caller, place, nothing)];
          if (foreign !== unknown) leaks.push(`${name} ${place.name} ${kindOf(id)}: ${foreign}, not ${unknown}`);
        });
        await Promise.all(answers);
      }
    }
    expect(leaks).toEqual([]);
    expect(idsIn(await allThatIsSeen(theirs.owner, schema, theirs.owner.organizationId)).toSorted()).toEqual(
      expect.arrayContaining(idsIn(seen).toSorted()),
    );
  }, 300_000);

  test('F28 would be told from one that may: their own owner hears something else', async () => {
    const node = idPlaces(schema, '').find(({ name }) => name === 'Query.node(id)');
    if (!node) throw new Error('there is no Query.node');
    for (const id of ids.filter((id) => kindOf(id) !== 'Viewer')) {
      expect(await answerTo(theirs.owner, node, id), id).toContain(`"__typename":"${kindOf(id)}"`);
      expect(await answerTo(ours.owner, node, id), id).toContain('"node":null');
    }
  });

  test('F28 is not let in by a header that names them either', async () => {
    for (const caller of [ours.owner, ours.key]) {
      const ask = (id: string) => caller.send('{ viewer { id } }', undefined as never, { 'x-organization-id': id });
      const foreign = await ask(theirs.owner.organizationId);
      const unknown = await ask(encodeId('Organization', newId()));
      expect([foreign.status, foreign.data, foreign.codes]).toEqual([unknown.status, unknown.data, unknown.codes]);
      expect(foreign.codes).toEqual(['NOT_FOUND']);
    }
  });
});

function twoOfEachKind(ids: readonly string[]): string[] {
  const counts = new Map<string, number>();
  return ids.filter((id) => {
    counts.set(kindOf(id), (counts.get(kindOf(id)) ?? 0) + 1);
    return (counts.get(kindOf(id)) ?? 0) <= 2;
  });
}
