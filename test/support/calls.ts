import { graphql } from '../generated/gql.ts';
import type { Caller, TestApp } from './world.ts';

/** Costs one call, and is named `apiKeyScopes` by the server. */
export const ACall = graphql(`query SomeNameOfTheClient { apiKeyScopes }`);

export const SetQuota = graphql(`
  mutation SetQuota($input: SetOrganizationQuotaInput!) {
    setOrganizationQuota(input: $input) {
      __typename
      ... on QuotaUpdated { quota { resource limit used remaining resetsAt } }
      ... on ValidationFailed { issues { path message } }
    }
  }
`);

export const CallsOf = graphql(`
  query CallsOf($id: ID!) {
    organization(id: $id) { quota(resource: API_CALLS) { limit used remaining resetsAt } }
  }
`);

export const UsageOf = graphql(`
  query UsageOf($id: ID!, $from: DateTime!, $to: DateTime!, $by: UsageDimension) {
    organization(id: $id) { usage(resource: API_CALLS, from: $from, to: $to, by: $by) { key label quantity from to } }
  }
`);

/** Sets the owner's own cap; it costs no call. */
export async function capCalls(owner: Caller & { organizationId: string }, limit: number): Promise<void> {
  const input = { organizationId: owner.organizationId, resource: 'API_CALLS' as const, limit };
  const { data } = await owner.send(SetQuota, { input });
  if (data.setOrganizationQuota.__typename !== 'QuotaUpdated') throw new Error(data.setOrganizationQuota.__typename);
}

/** `count` calls at once, turn by turn as each of the callers. @returns how each ended: `ok` or a code */
export async function callsAtOnce(callers: readonly Caller[], count: number): Promise<string[]> {
  const calls = Array.from({ length: count }, (_, at) => (callers[at % callers.length] as Caller).send(ACall));
  return (await Promise.all(calls)).map(({ codes, data }) => codes[0] ?? (data.apiKeyScopes ? 'ok' : 'nothing'));
}

/** The days around now on the program's clock. */
export function daysAround(app: TestApp): { from: string; to: string } {
  const now = app.platform.now().getTime();
  return { from: new Date(now - 86_400_000).toISOString(), to: new Date(now + 86_400_000).toISOString() };
}

/** The rows of counters and of usage, as the database has them. */
export async function countersOf(app: TestApp): Promise<{ leased: number; used: number; rollups: number }> {
  const [row] = await app.platform.db.$queryRaw<{ leased: number; used: number; rollups: number }[]>`
    SELECT coalesce(sum(leased), 0)::int AS leased, coalesce(sum(used), 0)::int AS used,
      (SELECT coalesce(sum(quantity), 0)::int FROM usage_rollups) AS rollups
    FROM call_counters`;
  if (!row) throw new Error('no sums');
  return row;
}
