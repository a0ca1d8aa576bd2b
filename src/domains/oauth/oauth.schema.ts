import { LastSignInMethod, OAuthFailed, ValidationFailed } from '../../errors.ts';
import { builder } from '../../graphql/builder.ts';
import { IdInput } from '../../graphql/id-input.ts';
import { idOf } from '../../graphql/ids.ts';
import type { IdentityProvider } from '../../platform/identity-provider.ts';
import { LoginResult, SessionTransport } from '../sessions/signed-in.schema.ts';
import { signInBy } from '../sessions/transport.service.ts';
import { unlinkIdentity } from './identities.service.ts';
import { beginOAuthLogin, completeOAuthLogin } from './oauth-login.service.ts';

const OAuthProvider = builder.objectRef<IdentityProvider>('OAuthProvider').implement({
  description: 'Another provider that people may sign in with.',
  fields: (t) => ({
    id: t.exposeString('id', { description: 'For `beginOAuthLogin`.' }),
    name: t.exposeString('name', { description: 'For the button.' }),
  }),
});

builder.queryField('oauthProviders', (t) =>
  t.field({
    description: 'The providers that are configured here.',
    type: [OAuthProvider],
    authScopes: { public: true },
    resolve: (_root, _args, { platform }) => [...platform.identityProviders.values()],
  }),
);

const OAuthRedirect = builder.objectRef<{ authorizationUrl: string }>('OAuthRedirect').implement({
  description: 'The way to the provider.',
  fields: (t) => ({
    authorizationUrl: t.exposeString('authorizationUrl', {
      description: 'Where the browser goes, within ten minutes.',
    }),
  }),
});

const BeginOAuthLoginInput = builder.inputType('BeginOAuthLoginInput', {
  description: 'With whom, and where to come back to.',
  fields: (t) => ({
    provider: t.string({ required: true, description: 'The id of one of `oauthProviders`.' }),
    redirectUri: t.string({ required: true, description: 'A page of the app; must be on PUBLIC_APP_URL.' }),
  }),
});

builder.mutationField('beginOAuthLogin', (t) =>
  t.field({
    description:
      'Binds what it begins to this browser by a cookie, which completeOAuthLogin needs. For a signed-in, reauthenticated person it links a further way to sign in.',
    type: builder.errorUnion('BeginOAuthLoginResult', {
      description: 'What became of beginOAuthLogin.',
      types: [OAuthRedirect, ValidationFailed, OAuthFailed],
      resolveType: () => 'OAuthRedirect',
    }),
    authScopes: { public: true },
    args: { input: t.arg({ type: BeginOAuthLoginInput, required: true, description: 'The choice.' }) },
    resolve: (_root, { input }, ctx) => beginOAuthLogin(ctx, input),
  }),
);

const CompleteOAuthLoginInput = builder.inputType('CompleteOAuthLoginInput', {
  description: 'What the provider sent the browser back with.',
  fields: (t) => ({
    provider: t.string({ required: true, description: 'The one that it was begun with.' }),
    code: t.string({ required: true, description: '`code` of the redirect.' }),
    state: t.string({ required: true, description: '`state` of the redirect.' }),
    iss: t.string({ description: '`iss` of the redirect, where the provider sends it.' }),
    transport: t.field({
      type: SessionTransport,
      required: true,
      defaultValue: 'BEARER',
      description: 'For browsers COOKIE.',
    }),
  }),
});

builder.mutationField('completeOAuthLogin', (t) =>
  t.field({
    description:
      'Signs in with what the provider vouches for. A new person gets an account with an organization of their own; addresses count only when the provider has confirmed them.',
    type: LoginResult,
    authScopes: { public: true },
    args: { input: t.arg({ type: CompleteOAuthLoginInput, required: true, description: 'The redirect.' }) },
    resolve: (_root, { input }, ctx) => signInBy(ctx, input.transport, () => completeOAuthLogin(ctx, input)),
  }),
);

const IdentityUnlinked = builder.objectRef<{ identityId: string }>('IdentityUnlinked').implement({
  description: 'It lets nobody in any more.',
  fields: (t) => ({
    identityId: t.globalID({
      description: 'Which one.',
      resolve: ({ identityId }) => ({ type: 'Identity', id: identityId }),
    }),
  }),
});

builder.mutationField('unlinkIdentity', (t) =>
  t.field({
    description: 'Takes away a way to sign in, never the last one.',
    type: builder.errorUnion('UnlinkIdentityResult', {
      description: 'What became of unlinkIdentity.',
      types: [IdentityUnlinked, LastSignInMethod],
      resolveType: () => 'IdentityUnlinked',
    }),
    authScopes: { signedIn: true, reauthenticated: true },
    args: { input: t.arg({ type: IdInput, required: true, description: 'The identity.' }) },
    resolve: (_root, { input }, ctx) => unlinkIdentity(ctx, { identityId: idOf('Identity', input.id) }),
  }),
);
