import { resolveNodes } from '@pothos/plugin-relay';
import { BadUserInput } from '../errors.ts';
import { builder } from './builder.ts';
import { decodeNodeId } from './ids.ts';

const idsMax = 100;

builder.queryField('node', (t) =>
  t.field({
    description: 'Anything by its id. Null for what does not exist and for what the caller may not see, alike.',
    type: builder.nodeInterfaceRef(),
    nullable: true,
    authScopes: { public: true },
    args: { id: t.arg.id({ required: true, description: 'Any TypeID.' }) },
    resolve: async (_root, { id }, ctx, info) => {
      const [node] = await resolveNodes(builder, ctx, info, [decodeNodeId(id)]);
      return node as never;
    },
  }),
);

builder.queryField('nodes', (t) =>
  t.field({
    description: 'Several things by their ids, in the same order, null for each that `node` would not give.',
    type: [builder.nodeInterfaceRef()],
    nullable: { list: false, items: true },
    authScopes: { public: true },
    args: { ids: t.arg.idList({ required: true, description: `At most ${idsMax} TypeIDs.` }) },
    resolve: (_root, { ids }, ctx, info) => {
      if (ids.length > idsMax) throw new BadUserInput(`Ask for at most ${idsMax} ids at once.`);
      return resolveNodes(builder, ctx, info, ids.map(decodeNodeId)) as never;
    },
  }),
);
