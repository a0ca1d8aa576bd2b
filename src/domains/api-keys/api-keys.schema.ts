import { queryFromInfo } from '@pothos/plugin-prisma';
import { ValidationFailed } from '../../errors.ts';
import { builder } from '../../graphql/builder.ts';
import { IdInput } from '../../graphql/id-input.ts';
import { idOf } from '../../graphql/ids.ts';
import { paginate } from '../../graphql/pagination.ts';
import { RotateSecretInput } from '../../graphql/rotate-secret-input.ts';
import { Organization } from '../organizations/organizations.schema.ts';
import { ApiKey, ApiKeyConnection } from './api-key.schema.ts';
import { apiKeyScopes } from './api-keys.permissions.ts';
import { createApiKey, rotateApiKey, type ApiKeySecret as Secret } from './api-keys.service.ts';
import { apiKeysOf, organizationIdOfKey } from './key-list.service.ts';
import { revokeApiKey } from './key-revocation.service.ts';

builder.queryField('apiKeyScopes', (t) =>
  t.stringList({
    description:
      'organization:read · members:read · members:write · files:read · files:write · usage:read · webhooks:read · webhooks:write · audit:read. Those from usage on need an admin behind the key.',
    authScopes: { public: true },
    resolve: () => Object.keys(apiKeyScopes),
  }),
);

builder.prismaObjectField(Organization, 'apiKeys', (t) =>
  t.field({
    description: 'The keys of the organization, oldest first, those that have ended too. Admins.',
    type: ApiKeyConnection,
    nullable: true,
    authScopes: ({ id }) => ({ adminOrSuperuser: id }),
    args: t.arg.connectionArgs(),
    resolve: ({ id: organizationId }, args, ctx, info) => {
      const query = queryFromInfo({ context: ctx, info, typeName: 'ApiKey', path: ['edges', 'node'] });
      return paginate(ctx, args, apiKeysOf(ctx, { organizationId }, query));
    },
  }),
);

const ApiKeySecret = builder.objectRef<Secret>('ApiKeySecret').implement({
  description: 'A key with its secret, which is shown this once.',
  fields: (t) => ({
    apiKey: t.prismaField({
      description: 'The key.',
      type: ApiKey,
      resolve: (query, { apiKeyId: id }, _args, { db }) => db.apiKey.findUniqueOrThrow({ ...query, where: { id } }),
    }),
    secret: t.exposeString('secret', {
      description: 'What to send as `Authorization: Bearer …`. We keep a digest of it alone.',
    }),
  }),
});

const CreateApiKeyResult = builder.errorUnion('CreateApiKeyResult', {
  description: 'What became of a new key or secret.',
  types: [ApiKeySecret, ValidationFailed],
  resolveType: () => 'ApiKeySecret',
});

const CreateApiKeyInput = builder.inputType('CreateApiKeyInput', {
  description: 'A new key.',
  fields: (t) => ({
    organizationId: t.id({ required: true, description: 'org_… that it acts in.' }),
    name: t.string({ required: true, description: 'What it is for.' }),
    scopes: t.stringList({ required: true, description: 'Of `apiKeyScopes`, at least one.' }),
    expiresInDays: t.int({ description: '1–365, 90 when left out.' }),
  }),
});

builder.mutationField('createApiKey', (t) =>
  t.field({
    description: 'Makes an API key. Admins, after a second factor and a fresh proof of who they are.',
    type: CreateApiKeyResult,
    authScopes: (_root, { input }) => ({
      orgAdmin: idOf('Organization', input.organizationId),
      mfaSatisfied: true,
      reauthenticated: true,
    }),
    args: { input: t.arg({ type: CreateApiKeyInput, required: true, description: 'The form.' }) },
    resolve: (_root, { input }, ctx) =>
      createApiKey(ctx, { ...input, organizationId: idOf('Organization', input.organizationId) }),
  }),
);

builder.mutationField('rotateApiKey', (t) =>
  t.field({
    description:
      'Gives a key a new secret; its scopes and its end stay. A rotation while an old secret still works ends that one at once. Admins, as for createApiKey.',
    type: CreateApiKeyResult,
    authScopes: async (_root, { input }, ctx) => ({
      orgAdmin: await organizationIdOfKey(ctx, idOf('ApiKey', input.id)),
      mfaSatisfied: true,
      reauthenticated: true,
    }),
    args: { input: t.arg({ type: RotateSecretInput, required: true, description: 'Which one.' }) },
    resolve: (_root, { input }, ctx) => rotateApiKey(ctx, { ...input, apiKeyId: idOf('ApiKey', input.id) }),
  }),
);

const ApiKeyRevoked = builder.objectRef<{ apiKeyId: string }>('ApiKeyRevoked').implement({
  description: 'The key opens nothing any more.',
  fields: (t) => ({
    apiKey: t.prismaField({
      description: 'The key.',
      type: ApiKey,
      resolve: (query, { apiKeyId: id }, _args, { db }) => db.apiKey.findUniqueOrThrow({ ...query, where: { id } }),
    }),
  }),
});

builder.mutationField('revokeApiKey', (t) =>
  t.field({
    description: 'Ends a key at once, for good. Admins.',
    type: builder.errorUnion('RevokeApiKeyResult', {
      description: 'What became of revokeApiKey.',
      types: [ApiKeyRevoked, ValidationFailed],
      resolveType: () => 'ApiKeyRevoked',
    }),
    authScopes: async (_root, { input }, ctx) => ({
      orgAdmin: await organizationIdOfKey(ctx, idOf('ApiKey', input.id)),
    }),
    args: { input: t.arg({ type: IdInput, required: true, description: 'Which one.' }) },
    resolve: (_root, { input }, ctx) => revokeApiKey(ctx, { apiKeyId: idOf('ApiKey', input.id) }),
  }),
);
