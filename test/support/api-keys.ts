import { graphql } from '../generated/gql.ts';
import { withSecondFactor } from './second-factor.ts';
import { aPerson, type Caller, callerWith, type Person, type TestApp } from './world.ts';

export const CreateApiKey = graphql(`
  mutation CreateApiKey($input: CreateApiKeyInput!) {
    createApiKey(input: $input) {
      __typename
      ... on ApiKeySecret {
        secret
        apiKey { id name hint scopes createdBy { id } createdAt lastUsedAt expiresAt revokedAt previousSecretExpiresAt }
      }
      ... on ValidationFailed { issues { path message } }
      ... on Error { code }
    }
  }
`);

/** A key and the program that holds it. */
export interface KeyHolder extends Caller {
  readonly id: string;
  readonly secret: string;
}

export const allScopes = [
  'organization:read',
  'members:read',
  'members:write',
  'files:read',
  'files:write',
  'usage:read',
  'webhooks:read',
  'webhooks:write',
  'audit:read',
];

/** Somebody who may make keys: owner of an organization, with a second factor, just signed in. */
export async function aSecuredOwner(app: TestApp, name = 'Olga'): Promise<Person> {
  const owner = await aPerson(app, { name });
  await withSecondFactor(app, owner);
  return owner;
}

/** A key of its maker for an organization, theirs unless another one is named. */
export async function aKey(
  app: TestApp,
  maker: Person,
  wanted: { scopes?: string[]; organizationId?: string; name?: string; expiresInDays?: number } = {},
): Promise<KeyHolder> {
  const input = { organizationId: maker.organizationId, name: 'Nightly export', scopes: allScopes, ...wanted };
  const { data, codes } = await maker.send(CreateApiKey, { input });
  if (data?.createApiKey.__typename !== 'ApiKeySecret')
    throw new Error(`no key: ${codes} ${data?.createApiKey.__typename}`);
  const { apiKey, secret } = data.createApiKey;
  return { ...callerWith(app, secret), id: apiKey.id, secret };
}

export const ViewerByKey = graphql(`query ViewerByKey { viewer { email } apiKeyScopes }`);

/** Whether a secret opens anything; what does not is refused whole. */
export async function isGood(app: TestApp, secret: string): Promise<boolean> {
  const { status, codes } = await callerWith(app, secret).send(ViewerByKey);
  if (status === 200) return true;
  if (status !== 401 || codes.join() !== 'UNAUTHENTICATED') throw new Error(`refused otherwise: ${status} ${codes}`);
  return false;
}
