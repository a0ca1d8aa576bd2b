import { z } from 'zod';
import type { Ctx } from '../../context.ts';
import { parseInput } from '../../errors.ts';
import { signedInActor } from '../members/members.access.ts';
import { PersonName } from './accounts.service.ts';

const Profile = z.object({ name: PersonName.nullish() });

/** Changes what is given of the caller's profile. @throws ValidationFailed */
export async function updateProfile(ctx: Ctx, input: unknown): Promise<{ userId: string }> {
  const { name } = parseInput(Profile, input);
  const { userId } = signedInActor(ctx);
  if (name) await ctx.db.user.update({ where: { id: userId }, data: { name } });
  return { userId };
}
