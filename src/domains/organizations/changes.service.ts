import { z } from 'zod';
import type { Ctx } from '../../context.ts';
import { Conflict, parseInput } from '../../errors.ts';
import type { Organization } from '../../generated/prisma/client.ts';
import { transact, uniqueViolation } from '../../platform/db.ts';
import { encodeId } from '../../platform/typeid.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { recordEvent } from '../events/events.service.ts';
import { requireMfaSatisfied, signedInActor } from '../members/members.access.ts';
import { lockOrganization } from './organization-lock.ts';
import { foundOrganization, removeOrganization } from './organizations.service.ts';
import { Slug, slugFor } from './slug.ts';

const Name = z.string().trim().min(1, 'Give it a name.').max(100, 'Use at most 100 characters.');
const Founding = z.object({ name: Name, slug: Slug.nullish() });
const Change = z.object({ name: Name.nullish(), slug: Slug.nullish(), requiresMfa: z.boolean().nullish() });

/**
 * Founds a further organization with the caller as its owner.
 * @throws ValidationFailed; Conflict for a slug that is taken
 */
export async function createOrganization(ctx: Ctx, input: { name: string; slug?: string | null | undefined }) {
  const { userId } = signedInActor(ctx);
  const { name, slug } = parseInput(Founding, input);
  return refusingTakenSlug(() =>
    transact(ctx, (ctx) => foundOrganization(ctx, { name, slug: slug ?? slugFor(name), ownerId: userId })),
  );
}

/**
 * Renames, moves to another slug, or asks for second factors. Who asks for one, or no more, must have passed one.
 * @throws ValidationFailed, Conflict for a slug that is taken, MfaRequired
 */
export async function updateOrganization(ctx: Ctx, input: { organizationId: string } & z.input<typeof Change>) {
  const { organizationId } = input;
  const change = withoutNulls(parseInput(Change, input));
  if (change.requiresMfa !== undefined) requireMfaSatisfied(ctx);
  return refusingTakenSlug(() =>
    transact(ctx, async (ctx) => {
      await lockOrganization(ctx, organizationId);
      const before = await ctx.db.organization.findUniqueOrThrow({ where: { id: organizationId } });
      const after = await ctx.db.organization.update({ where: { id: organizationId }, data: change });
      await recordEvent(ctx, {
        organizationId,
        type: 'organization.updated',
        data: { organizationId: encodeId('Organization', organizationId), name: after.name, slug: after.slug },
      });
      await recordAudit(ctx, {
        organizationId,
        action: 'organization.updated',
        targetType: 'Organization',
        targetId: organizationId,
        metadata: differenceOf(before, after),
      });
      return after;
    }),
  );
}

/** Ends an organization with all that is its own; its audit chain stays. */
export async function deleteOrganization(
  ctx: Ctx,
  input: { organizationId: string },
): Promise<{ organizationId: string }> {
  return transact(ctx, async (ctx) => {
    await lockOrganization(ctx, input.organizationId);
    await removeOrganization(ctx, input);
    return input;
  });
}

async function refusingTakenSlug<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (uniqueViolation(error) !== 'organizations_slug_key') throw error;
    throw new Conflict('Another organization has this slug.', 'slug');
  }
}

function withoutNulls<T extends object>(change: T): { [Key in keyof T]?: NonNullable<T[Key]> } {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value != null)) as never;
}

/** `name`, `slug` and `requiresMfa` before and after, as far as they differ. */
function differenceOf(before: Organization, after: Organization): Record<string, string | boolean> {
  const keys = ['name', 'slug', 'requiresMfa'] as const;
  return Object.fromEntries(
    keys
      .filter((key) => before[key] !== after[key])
      .flatMap((key) => [
        [`${key}Before`, before[key]],
        [`${key}After`, after[key]],
      ]),
  );
}
