import type { Ctx } from '../../context.ts';
import { InvalidToken } from '../../errors.ts';
import type { EmailToken, EmailTokenPurpose } from '../../generated/prisma/client.ts';
import { digestOf } from '../../platform/tokens.ts';
import { mailedSecret } from '../mail/mailed-secret.service.ts';

const lifetimeHours: Record<EmailTokenPurpose, number> = { VERIFY_EMAIL: 24, RESET_PASSWORD: 1, CHANGE_EMAIL: 1 };

/** What a mailed link proves: that its holder reads the mail of `email` on behalf of this person. */
export type ProvenToken = Pick<EmailToken, 'userId' | 'email'>;

type Bearer = { readonly token: string; readonly purpose: EmailTokenPurpose };

/**
 * A token for one mailed link, a fresh one for each job; it replaces the person's older one of this purpose, which is void
 * from now on (F14). `voidedBy`: what changes with the use of the link, so that no retry brings a used one back.
 */
export async function issueEmailToken(
  ctx: Ctx,
  input: ProvenToken & { purpose: EmailTokenPurpose; voidedBy?: string | null },
): Promise<string> {
  const { userId, purpose, email, voidedBy } = input;
  const token = mailedSecret(ctx, purpose, userId, email, voidedBy ?? '');
  const createdAt = ctx.now();
  const expiresAt = new Date(createdAt.getTime() + lifetimeHours[purpose] * 3_600_000);
  const live = { digest: digestOf(token), email, createdAt, expiresAt };
  await ctx.db.emailToken.upsert({
    where: { userId_purpose: { userId, purpose } },
    create: { userId, purpose, ...live },
    update: live,
  });
  return token;
}

/** Takes a token in the caller's transaction: of several at once one gets it. @throws InvalidToken */
export async function consumeEmailToken(ctx: Ctx, { token, purpose }: Bearer): Promise<ProvenToken> {
  const [proven] = await ctx.db.$queryRaw<ProvenToken[]>`
    DELETE FROM email_tokens
    WHERE digest = ${digestOf(token)} AND purpose = ${purpose}::"EmailTokenPurpose" AND expires_at > ${ctx.now()}
    RETURNING user_id AS "userId", email`;
  if (!proven) throw new InvalidToken();
  return proven;
}

/** Whose link it is, without taking it. @throws InvalidToken */
export async function peekEmailToken(ctx: Ctx, { token, purpose }: Bearer): Promise<ProvenToken> {
  const live = { digest: digestOf(token), purpose, expiresAt: { gt: ctx.now() } };
  const proven = await ctx.db.emailToken.findUnique({ where: live, select: { userId: true, email: true } });
  if (!proven) throw new InvalidToken();
  return proven;
}

/** Voids every link that is on its way to a person. */
export async function voidEmailTokens(ctx: Ctx, { userId }: { userId: string }): Promise<void> {
  await ctx.db.emailToken.deleteMany({ where: { userId } });
}
