import { useMutation, useQuery } from '@apollo/client/react';
import { Field, Form } from './form.tsx';
import { graphql } from './generated/gql.ts';
import { Waiting } from './waiting.tsx';

const OrganizationMembers = graphql(`
  query OrganizationMembers($organizationId: ID!, $isAdmin: Boolean!) {
    organization(id: $organizationId) {
      id
      members(first: 50) { totalCount edges { node { id role user { id name email } } } }
      invitations(first: 20, status: PENDING) @include(if: $isAdmin) { edges { node { id email role expiresAt } } }
    }
  }
`);

const Invite = graphql(`
  mutation Invite($input: InviteMemberInput!) {
    inviteMember(input: $input) {
      __typename
      ... on InvitationSent { invitation { id } }
      ... on ValidationFailed { issues { path message } }
      ... on Conflict { field }
      ... on Error { message }
    }
  }
`);

const date = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });

/** Who belongs to the organization, who is asked to, and the form that asks. */
export function Members({ organizationId, isAdmin }: { readonly organizationId: string; readonly isAdmin: boolean }) {
  const { data, error, refetch } = useQuery(OrganizationMembers, { variables: { organizationId, isAdmin } });
  if (!data?.organization) return <Waiting error={error} retry={refetch} />;
  const { members, invitations } = data.organization;
  return (
    <div className={isAdmin ? 'columns' : undefined}>
      <section className="card">
        <h1>
          Members <span className="count">{members.totalCount}</span>
        </h1>
        <ul className="rows">
          {members.edges.map(({ node: { id, role, user } }) => (
            <li key={id}>
              <span className="avatar" aria-hidden="true">
                {user.name.slice(0, 1)}
              </span>
              <span className="what">
                <strong>{user.name}</strong>
                <small>{user.email}</small>
              </span>
              <span className="tag">{role.toLowerCase()}</span>
            </li>
          ))}
        </ul>
      </section>
      {isAdmin && (
        <section className="card">
          <h2>Invite somebody</h2>
          <InviteForm organizationId={organizationId} />
          <h2>Open invitations</h2>
          <ul className="rows">
            {invitations?.edges.map(({ node: { id, email, role, expiresAt } }) => (
              <li key={id}>
                <span className="what">
                  <strong>{email}</strong>
                  <small>until {date.format(new Date(expiresAt))}</small>
                </span>
                <span className="tag">{role.toLowerCase()}</span>
              </li>
            ))}
          </ul>
          {invitations?.edges.length === 0 && <p className="empty">Nobody is being waited for.</p>}
        </section>
      )}
    </div>
  );
}

function InviteForm({ organizationId }: { readonly organizationId: string }) {
  const [invite, { data }] = useMutation(Invite, { refetchQueries: [OrganizationMembers] });
  const send = async ({ email = '', role }: Record<string, string>) => {
    const input = { organizationId, email, role: role === 'ADMIN' ? ('ADMIN' as const) : ('MEMBER' as const) };
    return (await invite({ variables: { input } })).data?.inviteMember;
  };
  return (
    <>
      <Form label="Invite somebody" submit="Send invitation" send={send} about={{ QuotaExceeded: 'email' }}>
        <Field name="email" label="Email" type="email" autoComplete="off" />
        <div className="field">
          <label htmlFor="role">Role</label>
          <select id="role" name="role" defaultValue="MEMBER">
            <option value="MEMBER">Member</option>
            <option value="ADMIN">Admin</option>
          </select>
        </div>
      </Form>
      <p role="status" className="done">
        {data?.inviteMember.__typename === 'InvitationSent' && 'The invitation is on its way.'}
      </p>
    </>
  );
}
