import type { Actor, Ctx } from '../../context.ts';
import type { File, Prisma } from '../../generated/prisma/client.ts';
import { nilId } from '../../platform/typeid.ts';
import { openOrganizations, organizationOpenToKey, readsEverything } from '../members/members.access.ts';
import { literal } from '../members/members.service.ts';

/** The files that the caller may see, those in the trash too. */
export function visibleFiles(actor: Actor): Prisma.FileWhereInput {
  if (readsEverything(actor)) return {};
  if (actor.kind === 'apiKey') return { organization: organizationOpenToKey(actor, 'files:read') };
  return { organization: openOrganizations(actor) };
}

export interface FileOrder {
  readonly field: 'CREATED_AT' | 'NAME' | 'SIZE';
  readonly direction: 'ASC' | 'DESC';
}

export interface FileFilter {
  readonly organizationId: string;
  readonly trashed: boolean;
  readonly search?: string | null | undefined;
  readonly orderBy?: FileOrder | null | undefined;
}

type Query = Pick<Prisma.FileFindManyArgs, 'select' | 'include'>;
type PageQuery = { id: { gt?: string; lt?: string }; orderBy: { id: 'asc' | 'desc' }; take: number };

const columns = { CREATED_AT: 'createdAt', NAME: 'name', SIZE: 'size' } as const;
const newestFirst: FileOrder = { field: 'CREATED_AT', direction: 'DESC' };

/**
 * The files of an organization that are not in the trash, or those that are (F02). A place in the list is the value that it
 * is ordered by and the id, so that files that come and go meanwhile neither repeat nor hide others.
 */
export function filesOf(ctx: Ctx, { organizationId, trashed, search, orderBy }: FileFilter, query: Query) {
  const { field, direction } = orderBy ?? newestFirst;
  const column = columns[field];
  const text = search?.trim();
  const where: Prisma.FileWhereInput = {
    organizationId,
    trashedAt: trashed ? { not: null } : null,
    ...(text && { name: { contains: literal(text), mode: 'insensitive' } }),
  };
  return {
    name: `files/${organizationId}/${trashed}/${field}/${direction}`,
    keyOf: (file: File) => JSON.stringify([plain(file[column]), file.id]),
    find: ({ id: { gt: after, lt: before }, orderBy: { id }, take }: PageQuery): Promise<File[]> => {
      const order = (id === 'asc') === (direction === 'ASC') ? 'asc' : 'desc';
      const [forwards, backwards] = direction === 'ASC' ? (['gt', 'lt'] as const) : (['lt', 'gt'] as const);
      const places = [after && beyond(column, forwards, after), before && beyond(column, backwards, before)];
      return ctx.db.file.findMany({
        ...query,
        where: { AND: [where, ...places.filter((place) => typeof place === 'object')] },
        orderBy: [{ [column]: order }, { id: order }],
        take,
      });
    },
    count: () => ctx.db.file.count({ where }),
  };
}

function plain(value: File['createdAt' | 'name' | 'size']): string {
  return value instanceof Date ? value.toISOString() : String(value);
}

/** What stands on one side of a place in an order by a column and, where that is the same, by id. */
function beyond(column: 'createdAt' | 'name' | 'size', side: 'gt' | 'lt', place: string): Prisma.FileWhereInput {
  const [text, id] = JSON.parse(place) as [string, string];
  const value = column === 'size' ? BigInt(text) : text;
  return {
    // The first condition lets the index be used.
    [column]: { [`${side}e`]: value },
    OR: [{ [column]: { [side]: value } }, { [column]: value, id: { [side]: id } }],
  };
}

/** The organization of a file; the UUID of nothing for a file that does not exist, so that both are asked for alike. */
export async function organizationIdOfFile(ctx: Ctx, fileId: string): Promise<string> {
  const file = await ctx.db.file.findUnique({ where: { id: fileId }, select: { organizationId: true } });
  return file?.organizationId ?? nilId;
}
