import type { Config } from '../../config.ts';

/** The pages that the application behind `PUBLIC_APP_URL` must have. */
export type MailedPage = '/verify-email' | '/reset-password' | '/invitations' | '/change-email';

/** The one place where a link for a mail is made: from `PUBLIC_APP_URL`, never from a request (F07). */
export function appLink(config: Pick<Config, 'publicAppUrl'>, page: MailedPage, token: string): string {
  return `${config.publicAppUrl}${page}?token=${encodeURIComponent(token)}`;
}
