import { EmailNotVerified, InvalidCredentials, OAuthFailed, SecondFactorNeeded } from '../../errors.ts';
import { actAs } from '../../graphql/acting.ts';
import { builder } from '../../graphql/builder.ts';
import { Viewer } from '../accounts/viewer.schema.ts';
import type { SignedIn as SignedInShape } from './sessions.service.ts';

export const SignedIn = builder.objectRef<SignedInShape>('SignedIn').implement({
  description: 'The tokens of a session, and its person.',
  fields: (t) => ({
    accessToken: t.exposeString('accessToken', { description: 'For `Authorization: Bearer …`, five minutes long.' }),
    accessTokenExpiresAt: t.expose('accessTokenExpiresAt', {
      description: 'Until when it is good; refresh a little before.',
      type: 'DateTime',
    }),
    refreshToken: t.exposeString('refreshToken', {
      description: 'Good for one `refreshSession`. Null in COOKIE transport.',
      nullable: true,
    }),
    viewer: t.prismaField({
      description: 'The person, signed in.',
      type: Viewer,
      resolve: (query, { actor }, _args, ctx) => {
        actAs(ctx, actor);
        return ctx.db.user.findUniqueOrThrow({ ...query, where: { id: actor.userId } });
      },
    }),
  }),
});

/** Of every way to sign in that may ask for a second factor. */
export const LoginResult = builder.errorUnion('LoginResult', {
  description: 'What became of a sign-in.',
  types: [SignedIn, SecondFactorNeeded, InvalidCredentials, EmailNotVerified, OAuthFailed],
  resolveType: () => 'SignedIn',
});

/** The `transport` of every input that signs in. */
export const SessionTransport = builder.enumType('SessionTransport', {
  description: 'How the refresh token comes.',
  values: {
    BEARER: { description: 'In the answer.' },
    COOKIE: { description: 'For browsers: as an HttpOnly cookie, and left out of the answer.' },
  },
});
