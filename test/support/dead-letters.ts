import { randomUUID } from 'node:crypto';
import { vi } from 'vitest';
import { systemCtx } from '../../src/context.ts';
import { enqueueOnce } from '../../src/jobs/queue.ts';
import { graphql } from '../generated/gql.ts';
import type { Caller, TestApp } from './world.ts';

export const DeadLetters = graphql(`
  query DeadLetters($state: DeadLetterState, $queue: String, $first: Int, $after: String) {
    admin {
      deadLetters(state: $state, queue: $queue, first: $first, after: $after) {
        totalCount
        pageInfo { hasNextPage endCursor }
        edges {
          node {
            id queue payload error attempts state failedAt resolvedAt note
            history { attempt failedAt error }
            organization { id }
            resolvedBy { id }
          }
        }
      }
      deadLetterCounts { queue state count }
    }
  }
`);

export const RetryDeadLetter = graphql(`
  mutation RetryDeadLetter($input: DeadLetterInput!) {
    retryDeadLetter(input: $input) {
      __typename
      ... on DeadLetterHandled { deadLetter { id state note resolvedAt resolvedBy { id } } }
      ... on Error { code message }
    }
  }
`);

export const ResolveDeadLetter = graphql(`
  mutation ResolveDeadLetter($input: DeadLetterInput!) {
    resolveDeadLetter(input: $input) {
      __typename
      ... on DeadLetterHandled { deadLetter { id state note resolvedAt resolvedBy { id } } }
      ... on Error { code message }
    }
  }
`);

export const DeadLetterNode = graphql(`
  query DeadLetterNode($id: ID!) { node(id: $id) { id __typename } }
`);

/** What a caller reads of the dead letters; empty for one who may not. */
export async function deadLettersFor(
  caller: Caller,
  variables: { state?: 'OPEN' | 'RETRIED' | 'RESOLVED'; queue?: string; first?: number; after?: string | null } = {},
) {
  const { data, codes } = await caller.send(DeadLetters, variables);
  const page = data?.admin?.deadLetters;
  return { codes, page, counts: data?.admin?.deadLetterCounts, nodes: page?.edges.map(({ node }) => node) ?? [] };
}

/** A notice that can never be sent, since nobody can open the address in it; by its job's id. */
export async function aHopelessJob(app: TestApp): Promise<{ jobId: string; sealedAddress: string }> {
  const [jobId, sealedAddress] = [randomUUID(), `nobody can open ${randomUUID()}`];
  const payload = { userId: randomUUID(), kind: 'emailChanged' as const, sealedAddress };
  await enqueueOnce(systemCtx(app.platform), { name: 'account.sendNotice', payload }, jobId);
  return { jobId, sealedAddress };
}

/** The row of a job's dead letter, once it is there. */
export function buried(app: TestApp, jobId: string, state: 'OPEN' | 'RETRIED' | 'RESOLVED' = 'OPEN') {
  const look = () => app.platform.db.deadLetter.findFirstOrThrow({ where: { jobId, state } });
  return vi.waitFor(look, { timeout: 15_000, interval: 50 });
}
