import { createHash } from 'node:crypto';
import type { Ctx } from '../../context.ts';
import { PermanentFailure } from '../../jobs/failure.ts';
import { type Mail, MailRefused } from '../../platform/mailer.ts';

const suppressionDays = 30;

/**
 * Hands a mail over, in a job. Each attempt with the same content has the same Message-ID. An address whose server has
 * lately said that it does not exist gets nothing, but by a retry of the job that was told so.
 * @throws PermanentFailure when the server refuses it for good; any other Error when it may go better later
 */
export async function deliver(ctx: Ctx, mail: Mail, signal: AbortSignal): Promise<void> {
  if (await isSuppressed(ctx, mail.to)) {
    ctx.log.warn({ outcome: 'suppressed' }, 'mail');
    return;
  }
  try {
    await ctx.platform.mailer.send({ ...mail, messageId: messageIdOf(ctx, mail) }, signal);
  } catch (error) {
    if (!(error instanceof MailRefused)) throw error;
    if (error.isUnknownRecipient) await suppress(ctx, mail.to);
    throw new PermanentFailure(error.message, { cause: error.cause });
  }
  await ctx.db.mailSuppression.deleteMany({ where: { email: mail.to } });
}

async function isSuppressed(ctx: Ctx, email: string): Promise<boolean> {
  const suppression = await ctx.db.mailSuppression.findUnique({ where: { email, expiresAt: { gt: ctx.now() } } });
  return suppression !== null && suppression.jobId !== ctx.job?.id;
}

async function suppress(ctx: Ctx, email: string): Promise<void> {
  if (!ctx.job) return;
  const createdAt = ctx.now();
  const expiresAt = new Date(createdAt.getTime() + suppressionDays * 86_400_000);
  const row = { jobId: ctx.job.id, createdAt, expiresAt };
  await ctx.db.mailSuppression.upsert({ where: { email }, create: { email, ...row }, update: row });
}

/** Of job and content: a retry that says something else, such as a newer link, is another mail. */
function messageIdOf(ctx: Ctx, { to, subject, text }: Mail): string | undefined {
  if (!ctx.job) return undefined;
  const hash = createHash('sha256')
    .update(JSON.stringify([ctx.job.id, to, subject, text]))
    .digest('hex');
  const [, host = 'localhost'] = /@([\w.-]+)/.exec(ctx.platform.config.mailFrom) ?? [];
  return `<${hash.slice(0, 40)}@${host}>`;
}
