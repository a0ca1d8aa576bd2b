import { randomInt } from 'node:crypto';
import type { Ctx, UserActor } from '../../context.ts';
import { NotFound } from '../../errors.ts';
import type { Organization } from '../../generated/prisma/client.ts';
import { transact } from '../../platform/db.ts';
import { newId } from '../../platform/typeid.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { roleIn, signedInActor } from '../members/members.access.ts';

const slugWordsMax = 32;
const slugSuffixLength = 8;
const slugAlphabet = '23456789abcdefghjkmnpqrstvwxyz';

/** A new person's own organization, with them as its owner. Joins the caller's transaction. */
export async function createDefaultOrganization(ctx: Ctx, owner: { id: string; name: string }): Promise<Organization> {
  const now = ctx.now();
  const name = `${owner.name}’s organization`;
  const organization = await ctx.db.organization.create({
    data: { id: newId(), name, slug: slugFor(owner.name), createdAt: now },
  });
  await ctx.db.membership.create({
    data: { id: newId(), organizationId: organization.id, userId: owner.id, role: 'OWNER', joinedAt: now },
  });
  await recordAudit(ctx, {
    organizationId: organization.id,
    action: 'organization.created',
    targetType: 'Organization',
    targetId: organization.id,
    metadata: { name, ownerId: owner.id },
  });
  return organization;
}

/**
 * Makes an organization the session's choice; other devices keep theirs (F17).
 * @returns the caller as they act from now on
 * @throws NotFound for an organization that the caller does not belong to
 */
export async function setActiveOrganization(ctx: Ctx, input: { organizationId: string }): Promise<UserActor> {
  const { organizationId } = input;
  const actor = signedInActor(ctx);
  return transact(ctx, async (ctx) => {
    const role = await roleIn(ctx, organizationId);
    if (!role) throw new NotFound();
    await ctx.db.session.update({ where: { id: actor.sessionId }, data: { activeOrganizationId: organizationId } });
    return { ...actor, activeMembership: { organizationId, role } };
  });
}

/** Words of the name that fit a URL, and a random end: nobody waits for a free one, and names are not probed by it. */
function slugFor(name: string): string {
  const words = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}/gu, '')
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, slugWordsMax)
    .replace(/^-+|-+$/g, '');
  const suffix = Array.from({ length: slugSuffixLength }, () => slugAlphabet[randomInt(slugAlphabet.length)]).join('');
  return words ? `${words}-${suffix}` : suffix;
}
