import type { ObjectRef } from '@pothos/core';
import type { Ctx } from '../context.ts';
import { BadUserInput } from '../errors.ts';
import { sameBytes, shortMacOf } from '../platform/tokens.ts';
import { builder } from './builder.ts';

const defaultSize = 20;
const sizeMax = 100;
const macChars = 16;

export interface PageArgs {
  readonly first?: number | null;
  readonly after?: string | null;
  readonly last?: number | null;
  readonly before?: string | null;
}

export interface Page<Node> {
  readonly edges: Edge<Node>[];
  readonly pageInfo: PageInfo;
  /** Counted only when the client asks. */
  readonly totalCount: () => Promise<number>;
}

interface Edge<Node> {
  /** Made only when the client asks, since each is signed. */
  readonly cursor: () => string;
  readonly node: Node;
}

interface PageInfo {
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly startCursor: string | null;
  readonly endCursor: string | null;
}

/** What a list must know of itself: ids are UUIDv7, so the order of ids is the order of making. */
export interface PageSource<Node> {
  /** Cursors of one list mean nothing in another. */
  readonly name: string;
  /** A node's place in the list, compared by `find` in place of its id. */
  keyOf?(node: Node): string;
  find(query: { id: { gt?: string; lt?: string }; orderBy: { id: 'asc' | 'desc' }; take: number }): Promise<Node[]>;
  count(): Promise<number>;
}

/**
 * One keyset page: a condition on the id instead of an offset, so that rows added or deleted meanwhile neither repeat
 * nor hide others.
 * @throws BadUserInput for a size outside 1–100 and for a cursor that this program did not make for this list
 */
export async function paginate<Node extends { id: string }>(
  ctx: Ctx,
  args: PageArgs,
  source: PageSource<Node>,
): Promise<Page<Node>> {
  const { size, backwards } = sizeOf(args);
  const after = args.after ? readCursor(ctx, source.name, args.after) : undefined;
  const before = args.before ? readCursor(ctx, source.name, args.before) : undefined;
  const rows = await source.find({
    id: { ...(after && { gt: after }), ...(before && { lt: before }) },
    orderBy: { id: backwards ? 'desc' : 'asc' },
    take: size + 1,
  });
  const hasMore = rows.length > size;
  const nodes = rows.slice(0, size);
  if (backwards) nodes.reverse();
  const keyOf = source.keyOf ?? (({ id }: Node) => id);
  const edges = nodes.map((node) => ({ cursor: () => writeCursor(ctx, source.name, keyOf(node)), node }));
  return {
    edges,
    pageInfo: {
      hasNextPage: backwards ? before !== undefined : hasMore,
      hasPreviousPage: backwards ? hasMore : after !== undefined,
      startCursor: edges[0]?.cursor() ?? null,
      endCursor: edges.at(-1)?.cursor() ?? null,
    },
    totalCount: source.count,
  };
}

function sizeOf({ first, last }: PageArgs): { size: number; backwards: boolean } {
  if (first != null && last != null) throw new BadUserInput('Give `first` or `last`, not both.');
  const size = first ?? last ?? defaultSize;
  if (size < 1 || size > sizeMax) throw new BadUserInput(`\`first\` and \`last\` go from 1 to ${sizeMax}.`);
  return { size, backwards: last != null };
}

/** A place in the list of this name, as text that only this program can make. */
export function writeCursor({ platform: { keyring } }: Ctx, name: string, id: string): string {
  return cursorMac(keyring.derive('cursor'), name, id) + Buffer.from(id).toString('base64url');
}

/** The place that `writeCursor` was given. @throws BadUserInput for any other text, and for a place in another list */
export function readCursor({ platform: { keyring } }: Ctx, name: string, cursor: string): string {
  const [mac, place] = [cursor.slice(0, macChars), cursor.slice(macChars)];
  const id = Buffer.from(place, 'base64url').toString();
  const isOurs = keyring
    .deriveAll('cursor')
    .some((key) => sameBytes(Buffer.from(mac), Buffer.from(cursorMac(key, name, id))));
  if (!isOurs) throw new BadUserInput('This cursor does not belong to this list.');
  return id;
}

function cursorMac(key: Buffer, name: string, id: string): string {
  return shortMacOf(key, `${name}\0${id}`);
}

/** The connection and edge types of one kind of node, named as Relay names them. */
export function connectionType<Node>(name: string, node: ObjectRef<typeof builder.$inferSchemaTypes, Node>) {
  const edge = builder.objectRef<Edge<Node>>(`${name}Edge`).implement({
    description: `One ${name} in a list.`,
    fields: (t) => ({
      cursor: t.string({
        description: 'Where this one stands, for `after` and `before`.',
        resolve: ({ cursor }) => cursor(),
      }),
      node: t.field({ description: 'The thing itself.', type: node, resolve: (self) => self.node as never }),
    }),
  });
  return builder.objectRef<Page<Node>>(`${name}Connection`).implement({
    description: `A page of a list of ${name}s.`,
    fields: (t) => ({
      edges: t.field({ description: 'The page, in order.', type: [edge], resolve: (self) => self.edges }),
      pageInfo: t.field({
        description: 'Where the page stands in the list.',
        type: builder.pageInfoRef(),
        resolve: (self) => self.pageInfo,
      }),
      totalCount: t.int({
        description: 'How many there are in the whole list. Counted only when asked for.',
        resolve: (self) => self.totalCount(),
      }),
    }),
  });
}
