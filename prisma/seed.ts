import { startApp } from '../src/app.ts';
import { runCommand, say, withDatabase } from '../src/commands/command.ts';
import { migrateDatabase } from '../src/commands/migrate.ts';
import { type Ctx, systemCtx } from '../src/context.ts';
import { recordAudit } from '../src/domains/audit/audit.service.ts';
import { createDefaultOrganization } from '../src/domains/organizations/organizations.service.ts';
import type { Role } from '../src/generated/prisma/client.ts';
import { transact } from '../src/platform/db.ts';
import { StartupError } from '../src/platform/startup-error.ts';
import { newId } from '../src/platform/typeid.ts';

const password = 'correct horse battery staple';
const organizations = ['acme', 'globex'] as const;
const roles: readonly Role[] = ['OWNER', 'ADMIN', 'MEMBER'];

/** Two small organizations with a person in every role, and a superuser. Seeding twice changes nothing. */
async function seed(ctx: Ctx): Promise<boolean> {
  const passwordHash = await ctx.platform.passwords.hash(password);
  return transact(ctx, async (ctx) => {
    const superuser = { email: 'superuser@example.com', name: 'Sue Superuser', isSuperuser: true };
    if (!(await addPerson(ctx, { ...superuser, passwordHash }))) return false;
    for (const organization of organizations) await seedOrganization(ctx, organization, passwordHash);
    return true;
  });
}

async function seedOrganization(ctx: Ctx, organization: string, passwordHash: string): Promise<void> {
  let organizationId: string | null = null;
  for (const role of roles) {
    const name = `${titled(organization)} ${titled(role.toLowerCase())}`;
    const person = await addPerson(ctx, { email: `${role.toLowerCase()}@${organization}.example`, name, passwordHash });
    if (!person) continue;
    if (organizationId) await seat(ctx, { organizationId, userId: person.id, role });
    else organizationId = (await createDefaultOrganization(ctx, { id: person.id, name: titled(organization) })).id;
  }
}

async function addPerson(
  ctx: Ctx,
  person: { email: string; name: string; passwordHash: string; isSuperuser?: boolean },
): Promise<{ id: string } | null> {
  const [user] = await ctx.db.user.createManyAndReturn({
    data: { id: newId(), ...person, emailVerifiedAt: ctx.now(), createdAt: ctx.now() },
    skipDuplicates: true,
  });
  return user ?? null;
}

async function seat(ctx: Ctx, input: { organizationId: string; userId: string; role: Role }): Promise<void> {
  const membership = await ctx.db.membership.create({ data: { id: newId(), ...input, joinedAt: ctx.now() } });
  await recordAudit(ctx, {
    organizationId: input.organizationId,
    action: 'member.joined',
    targetType: 'Membership',
    targetId: membership.id,
    metadata: { userId: input.userId, role: input.role },
  });
}

function titled(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

await runCommand(async (config) => {
  if (config.isProduction) throw new StartupError('There is no seed data for production.');
  await withDatabase(config, async (databaseUrl) => {
    await migrateDatabase(databaseUrl);
    const app = await startApp(config, { databaseUrl, roles: [] });
    const isNew = await seed(systemCtx(app.platform)).finally(app.close);
    const people = organizations.flatMap((name) => roles.map((role) => `${role.toLowerCase()}@${name}.example`));
    say(isNew ? 'Seeded. Sign in with the password' : 'Seeded before. Sign in with the password');
    say(`  ${password}\nas superuser@example.com, ${people.join(', ')}.`);
  });
});
