import { RefreshRaced, SessionEnded, ValidationFailed } from '../../errors.ts';
import { builder } from '../../graphql/builder.ts';
import { IdInput } from '../../graphql/id-input.ts';
import { idOf } from '../../graphql/ids.ts';
import { login } from '../accounts/login.service.ts';
import { revokeOtherSessions, revokeSession } from './revocation.service.ts';
import { LoginResult, SessionTransport, SignedIn } from './signed-in.schema.ts';
import { logoutWithCookie, refreshByTokenOrCookie, signInBy } from './transport.service.ts';

const LoginInput = builder.inputType('LoginInput', {
  description: 'Address and password.',
  fields: (t) => ({
    email: t.string({ required: true, description: 'In any case; it is compared in lower case.' }),
    password: t.string({ required: true, description: 'As typed.' }),
    transport: t.field({
      type: SessionTransport,
      required: true,
      defaultValue: 'BEARER',
      description: 'For browsers COOKIE.',
    }),
  }),
});

builder.mutationField('login', (t) =>
  t.field({
    description: 'Signs in with a password. Yields tokens only to a confirmed, unlocked account.',
    type: LoginResult,
    authScopes: { public: true },
    args: { input: t.arg({ type: LoginInput, required: true, description: 'The credentials.' }) },
    resolve: (_root, { input }, ctx) => signInBy(ctx, input.transport, () => login(ctx, input)),
  }),
);

const RefreshSessionInput = builder.inputType('RefreshSessionInput', {
  description: 'What keeps a session going.',
  fields: (t) => ({ refreshToken: t.string({ description: 'The last one received. Absent in COOKIE transport.' }) }),
});

builder.mutationField('refreshSession', (t) =>
  t.field({
    description:
      'Trades a refresh token for new tokens. Two tabs that do so within 15 seconds get the same ones; a spent token that comes back later ends its session.',
    type: builder.errorUnion('RefreshSessionResult', {
      description: 'What became of a refresh.',
      types: [SignedIn, SessionEnded, RefreshRaced],
      resolveType: () => 'SignedIn',
    }),
    authScopes: { public: true },
    args: { input: t.arg({ type: RefreshSessionInput, description: 'The token.' }) },
    resolve: (_root, { input }, ctx) => refreshByTokenOrCookie(ctx, input ?? {}),
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
    resolve: (_root, _args, ctx) => logoutWithCookie(ctx),
  }),
);

const SessionsRevoked = builder.objectRef<{ count: number }>('SessionsRevoked').implement({
  description: 'The sessions are over; their tokens are refused from the next request on.',
  fields: (t) => ({ count: t.exposeInt('count', { description: 'How many were alive until now.' }) }),
});

const RevokeSessionsResult = builder.errorUnion('RevokeSessionsResult', {
  description: 'What became of a revocation.',
  types: [SessionsRevoked, ValidationFailed],
  resolveType: () => 'SessionsRevoked',
});

builder.mutationField('revokeSession', (t) =>
  t.field({
    description: 'Ends one of the caller’s own sessions.',
    type: RevokeSessionsResult,
    authScopes: { signedIn: true },
    args: { input: t.arg({ type: IdInput, required: true, description: 'The session.' }) },
    resolve: (_root, { input }, ctx) => revokeSession(ctx, { sessionId: idOf('Session', input.id) }),
  }),
);

builder.mutationField('revokeOtherSessions', (t) =>
  t.field({
    description: 'Ends all sessions of the caller but this one.',
    type: RevokeSessionsResult,
    authScopes: { signedIn: true },
    resolve: (_root, _args, ctx) => revokeOtherSessions(ctx),
  }),
);
