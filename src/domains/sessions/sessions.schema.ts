import { EmailNotVerified, InvalidCredentials, SessionEnded } from '../../errors.ts';
import { actAs } from '../../graphql/acting.ts';
import { builder } from '../../graphql/builder.ts';
import { login } from '../accounts/accounts.service.ts';
import { Viewer } from '../accounts/viewer.schema.ts';
import { refreshSession } from './refresh.service.ts';
import { logout, type SignedIn as SignedInShape } from './sessions.service.ts';

const SignedIn = builder.objectRef<SignedInShape>('SignedIn').implement({
  description: 'The tokens of a session, and its person.',
  fields: (t) => ({
    accessToken: t.exposeString('accessToken', { description: 'For `Authorization: Bearer …`, five minutes long.' }),
    accessTokenExpiresAt: t.expose('accessTokenExpiresAt', {
      description: 'Until when it is good; refresh a little before.',
      type: 'DateTime',
    }),
    refreshToken: t.exposeString('refreshToken', {
      description: 'Good for one `refreshSession`.',
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

const LoginInput = builder.inputType('LoginInput', {
  description: 'Address and password.',
  fields: (t) => ({
    email: t.string({ required: true, description: 'In any case; it is compared in lower case.' }),
    password: t.string({ required: true, description: 'As typed.' }),
  }),
});

builder.mutationField('login', (t) =>
  t.field({
    description: 'Signs in with a password. Yields tokens only to a confirmed, unlocked account.',
    type: builder.errorUnion('LoginResult', {
      description: 'What became of a sign-in.',
      types: [SignedIn, InvalidCredentials, EmailNotVerified],
      resolveType: () => 'SignedIn',
    }),
    authScopes: { public: true },
    args: { input: t.arg({ type: LoginInput, required: true, description: 'The credentials.' }) },
    resolve: (_root, { input }, ctx) => login(ctx, input),
  }),
);

const RefreshSessionInput = builder.inputType('RefreshSessionInput', {
  description: 'What keeps a session going.',
  fields: (t) => ({ refreshToken: t.string({ description: 'The last one received.' }) }),
});

builder.mutationField('refreshSession', (t) =>
  t.field({
    description:
      'Trades a refresh token for new tokens. Two tabs that do so within 15 seconds get the same ones; a spent token that comes back later ends its session.',
    type: builder.errorUnion('RefreshSessionResult', {
      description: 'What became of a refresh.',
      types: [SignedIn, SessionEnded],
      resolveType: () => 'SignedIn',
    }),
    authScopes: { public: true },
    args: { input: t.arg({ type: RefreshSessionInput, description: 'The token.' }) },
    resolve: (_root, { input }, ctx) => refreshSession(ctx, { refreshToken: input?.refreshToken ?? '' }),
  }),
);

const LoggedOut = builder.objectRef<{ sessionId: string }>('LoggedOut').implement({
  description: 'The session is over.',
  fields: (t) => ({
    sessionId: t.globalID({
      description: 'Which one.',
      resolve: ({ sessionId }) => ({ type: 'Session', id: sessionId }),
    }),
  }),
});

builder.mutationField('logout', (t) =>
  t.field({
    description: 'Ends the session of this request; its tokens are refused from the next request on.',
    type: builder.errorUnion('LogoutResult', {
      description: 'What became of logout.',
      types: [LoggedOut, SessionEnded],
      resolveType: () => 'LoggedOut',
    }),
    authScopes: { signedIn: true },
    resolve: (_root, _args, ctx) => logout(ctx),
  }),
);
