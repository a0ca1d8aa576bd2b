import { queryFromInfo } from '@pothos/plugin-prisma';
import { ValidationFailed } from '../../errors.ts';
import { actAs } from '../../graphql/acting.ts';
import { builder } from '../../graphql/builder.ts';
import { idOf } from '../../graphql/ids.ts';
import { paginate } from '../../graphql/pagination.ts';
import { encodeId } from '../../platform/typeid.ts';
import { Invitation } from '../invitations/invitation.schema.ts';
import { openInvitationsTo } from '../invitations/invitations.service.ts';
import { signedInActor } from '../members/members.access.ts';
import { MembershipConnection } from '../members/members.schema.ts';
import { membershipsOf } from '../members/members.service.ts';
import { Mfa } from '../mfa/mfa-state.schema.ts';
import { mfaState } from '../mfa/second-factor.service.ts';
import { Identity } from '../oauth/identity.schema.ts';
import { Organization } from '../organizations/organizations.schema.ts';
import { setActiveOrganization } from '../organizations/organizations.service.ts';
import { liveSessionsOf } from '../sessions/revocation.service.ts';
import { Session } from '../sessions/session.schema.ts';

export const Viewer = builder.prismaObject('User', {
  variant: 'Viewer',
  description: 'The signed-in person’s own view: what nobody else sees of them.',
  select: { id: true },
  fields: (t) => ({
    id: t.id({
      description: '`vwr_` and the user’s own suffix, so that a normalised cache keeps the view and the user apart.',
      resolve: ({ id }) => encodeId('Viewer', id),
    }),
    user: t.variant('User', { description: 'The person as others see them.' }),
    email: t.exposeString('email', { description: 'The address to sign in with.' }),
    emailVerified: t.boolean({
      description: 'Whether the address is confirmed.',
      select: { emailVerifiedAt: true },
      resolve: ({ emailVerifiedAt }) => emailVerifiedAt !== null,
    }),
    isSuperuser: t.exposeBoolean('isSuperuser', { description: 'Whether this person runs the installation.' }),
    activeOrganization: t.prismaField({
      description: 'Header X-Organization-Id if sent, else the session’s choice, else the oldest membership.',
      type: Organization,
      nullable: true,
      resolve: (query, _viewer, _args, { db, actor }) => {
        const id = actor.kind === 'user' ? actor.activeMembership?.organizationId : undefined;
        return id ? db.organization.findUnique({ ...query, where: { id } }) : null;
      },
    }),
    memberships: t.field({
      description: 'The organizations that the person belongs to, oldest membership first.',
      type: MembershipConnection,
      args: t.arg.connectionArgs(),
      resolve: ({ id: userId }, args, ctx, info) => {
        const query = queryFromInfo({ context: ctx, info, typeName: 'Membership', path: ['edges', 'node'] });
        return paginate(ctx, args, membershipsOf(ctx, { userId }, query));
      },
    }),
    invitations: t.prismaField({
      description: 'Pending invitations to the person’s verified address.',
      type: [Invitation],
      select: { email: true },
      resolve: (query, { email }, _args, ctx) =>
        ctx.db.invitation.findMany({ ...query, where: openInvitationsTo(ctx, email), orderBy: { id: 'asc' } }),
    }),
    session: t.prismaField({
      description: 'The session of this request.',
      type: Session,
      resolve: (query, _viewer, _args, ctx) =>
        ctx.db.session.findUniqueOrThrow({ ...query, where: { id: signedInActor(ctx).sessionId } }),
    }),
  }),
});

/** How the person signs in, and where they are signed in. */
builder.prismaObjectFields(Viewer, (t) => ({
  sessions: t.prismaField({
    description: 'Where the person is signed in now, newest first; at most a hundred.',
    type: [Session],
    resolve: (query, { id: userId }, _args, ctx) =>
      ctx.db.session.findMany({ ...query, ...liveSessionsOf(ctx, { userId }) }),
  }),
  identities: t.relation('identities', {
    type: Identity,
    description: 'The other providers that the person can sign in with, oldest first.',
    query: { orderBy: { id: 'asc' } },
  }),
  mfa: t.field({
    description: 'The person’s second factor.',
    type: Mfa,
    resolve: (_viewer, _args, ctx) => mfaState(ctx),
  }),
}));

builder.queryField('viewer', (t) =>
  t.prismaField({
    description:
      'The signed-in user’s own view. Null without credentials and for an API key. A request that carries credentials that are not good is refused whole, HTTP 401, UNAUTHENTICATED.',
    type: Viewer,
    nullable: true,
    authScopes: { public: true },
    resolve: (query, _root, _args, { db, actor }) => {
      if (actor.kind !== 'user') return null;
      // The session has just been read with its person. Most ask for what hangs on the id alone.
      const isIdEnough = Object.keys(query.select ?? { all: true }).every((column) => column === 'id');
      return isIdEnough
        ? ({ id: actor.userId } as never)
        : db.user.findUnique({ ...query, where: { id: actor.userId } });
    },
  }),
);

const ActiveOrganizationSet = builder.objectRef<{ organizationId: string; userId: string }>('ActiveOrganizationSet');

ActiveOrganizationSet.implement({
  description: 'This session acts in the organization from now on; other sessions keep their choice.',
  fields: (t) => ({
    organization: t.prismaField({
      description: 'The one chosen.',
      type: Organization,
      resolve: (query, { organizationId }, _args, { db }) =>
        db.organization.findUniqueOrThrow({ ...query, where: { id: organizationId } }),
    }),
    viewer: t.prismaField({
      description: 'The caller, acting there.',
      type: Viewer,
      resolve: (query, { userId }, _args, { db }) => db.user.findUniqueOrThrow({ ...query, where: { id: userId } }),
    }),
  }),
});

const SetActiveOrganizationInput = builder.inputType('SetActiveOrganizationInput', {
  description: 'Which organization to act in.',
  fields: (t) => ({
    organizationId: t.id({ required: true, description: 'org_… of one of the caller’s organizations.' }),
  }),
});

builder.mutationField('setActiveOrganization', (t) =>
  t.field({
    description: 'Chooses the organization that this session acts in, for all requests without X-Organization-Id.',
    type: builder.errorUnion('SetActiveOrganizationResult', {
      description: 'What became of setActiveOrganization.',
      types: [ActiveOrganizationSet, ValidationFailed],
      resolveType: () => 'ActiveOrganizationSet',
    }),
    authScopes: { signedIn: true },
    args: { input: t.arg({ type: SetActiveOrganizationInput, required: true, description: 'The choice.' }) },
    resolve: async (_root, { input }, ctx) => {
      const organizationId = idOf('Organization', input.organizationId);
      const actor = await setActiveOrganization(ctx, { organizationId });
      actAs(ctx, actor);
      return { organizationId, userId: actor.userId };
    },
  }),
);
