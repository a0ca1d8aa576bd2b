import { signInWithSecondFactor, withSecondFactor } from './second-factor.ts';
import { aMemberOf, aPerson, type Caller, callerWith, type Person, type TestApp } from './world.ts';

export const callerKinds = [
  'anonymous',
  'outsider',
  'member',
  'admin',
  'owner',
  'superuser without second factor',
  'superuser',
] as const;

export type CallerKind = (typeof callerKinds)[number];

/** One organization and everyone who may come to its door. */
export interface Cast {
  readonly organizationId: string;
  readonly owner: Person;
  readonly callers: Readonly<Record<CallerKind, Caller>>;
}

export async function aCast(app: TestApp): Promise<Cast> {
  const owner = await aPerson(app, { name: 'Olga' });
  const admin = await aMemberOf(app, owner, { role: 'ADMIN', name: 'Adam' });
  const member = await aMemberOf(app, owner, { name: 'Mia' });
  const outsider = await aPerson(app, { name: 'Otto' });
  const callers = {
    anonymous: callerWith(app),
    outsider,
    member,
    admin,
    owner,
    'superuser without second factor': await aSuperuser(app, { hasSecondFactor: false }),
    superuser: await aSuperuser(app, { hasSecondFactor: true }),
  };
  return { organizationId: owner.organizationId, owner, callers };
}

async function aSuperuser(app: TestApp, { hasSecondFactor }: { hasSecondFactor: boolean }): Promise<Person> {
  const person = await aPerson(app, { name: 'Sue' });
  await app.platform.db.user.update({ where: { email: person.email }, data: { isSuperuser: true } });
  return hasSecondFactor ? signInWithSecondFactor(app, person, await withSecondFactor(app, person)) : person;
}
