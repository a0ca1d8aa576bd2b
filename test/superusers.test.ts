import { describe, expect, test } from 'vitest';
import { systemCtx } from '../src/context.ts';
import { setSuperuser } from '../src/domains/accounts/superusers.service.ts';
import { graphql } from './generated/gql.ts';
import { runProgram } from './support/command.ts';
import { withSecondFactor } from './support/second-factor.ts';
import { anAddress, aPerson, callerWith, password, Register, useApp } from './support/world.ts';

const app = useApp();
const IsSuperuser = graphql(`query IsSuperuser { viewer { isSuperuser } }`);
const Foreign = graphql(`query Foreign($id: ID!) { organization(id: $id) { name } }`);

const set = (email: string, isSuperuser: boolean) => setSuperuser(systemCtx(app.platform), { email, isSuperuser });

describe('npm run superuser', { timeout: 90_000 }, () => {
  test('makes a person a superuser from their next request on', async () => {
    const sue = await aPerson(app, { name: 'Sue' });
    const granted = await runProgram(app, { program: 'commands/superuser', words: ['grant', sue.email.toUpperCase()] });
    expect(granted).toMatchObject({ code: 0, stderr: '' });
    expect(granted.stdout).toContain('is now a superuser');
    expect((await sue.send(IsSuperuser)).data.viewer?.isSuperuser).toBe(true);
  });

  test('tells in one line what it cannot do, with exit code 1', async () => {
    const email = anAddress();
    const refused = await runProgram(app, { program: 'commands/superuser', words: ['grant', email] });
    expect(refused).toEqual({ code: 1, stdout: '', stderr: `No account has the address ${email}.\n` });
    const usage = await runProgram(app, { program: 'commands/superuser', words: ['make', email] });
    expect(usage).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^Usage: npm run superuser/) });
  });
});

describe('setSuperuser', () => {
  test('is audited in the chain of the system, once for each change, and can be taken back', async () => {
    const sue = await aPerson(app, { name: 'Sue' });
    expect([await set(sue.email, true), await set(sue.email, true), await set(sue.email, false)]).toEqual([
      true,
      false,
      true,
    ]);
    expect((await sue.send(IsSuperuser)).data.viewer?.isSuperuser).toBe(false);
    const { id } = await app.platform.db.user.findUniqueOrThrow({ where: { email: sue.email } });
    const entries = await app.platform.db.auditEntry.findMany({
      where: { action: { startsWith: 'superuser.' }, targetId: id },
      orderBy: { sequence: 'asc' },
    });
    expect(entries.map(({ action, actorKind }) => [action, actorKind])).toEqual([
      ['superuser.granted', 'system'],
      ['superuser.revoked', 'system'],
    ]);
  });

  test('opens nothing of others before the second factor', async () => {
    const ada = await aPerson(app);
    const sue = await aPerson(app, { name: 'Sue' });
    await set(sue.email, true);
    expect((await sue.send(Foreign, { id: ada.organizationId })).data.organization).toBeNull();
    await withSecondFactor(app, sue);
    expect((await sue.send(Foreign, { id: ada.organizationId })).data.organization).not.toBeNull();
  });

  test('is refused to an address that nobody has confirmed', async () => {
    const email = anAddress();
    await callerWith(app).send(Register, { input: { email, password, name: 'Sue' } });
    await expect(set(email, true)).rejects.toThrow('confirmed');
    expect(await app.platform.db.user.count({ where: { isSuperuser: true, email } })).toBe(0);
  });
});
