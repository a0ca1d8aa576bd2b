import { useMutation, useQuery } from '@apollo/client/react';
import { useState } from 'react';
import { Form } from './form.tsx';
import { graphql } from './generated/gql.ts';
import { Link } from './link.tsx';
import { navigate } from './path.ts';
import { Register } from './register.tsx';
import { SignIn } from './sign-in.tsx';
import { Waiting } from './waiting.tsx';

const PreviewInvitation = graphql(`
  query PreviewInvitation($token: String!) {
    invitation(token: $token) { organizationName inviterName maskedEmail role }
  }
`);

const Accept = graphql(`
  mutation Accept($token: String!) {
    acceptInvitation(input: { token: $token }) {
      __typename
      ... on InvitationAccepted { membership { id organization { id } } }
      ... on Error { message }
    }
  }
`);

const ActIn = graphql(`
  mutation ActIn($organizationId: ID!) {
    setActiveOrganization(input: { organizationId: $organizationId }) {
      ... on ActiveOrganizationSet { viewer { id activeOrganization { id name } } }
    }
  }
`);

/** Where the link of an invitation leads: who asks whom, then whatever is still missing until it can be accepted. */
export function Invitation({ token, isSignedIn }: { readonly token: string; readonly isSignedIn: boolean }) {
  const { data, error, refetch } = useQuery(PreviewInvitation, { variables: { token } });
  if (!data) return <Waiting error={error} retry={refetch} />;
  const { invitation } = data;
  if (!invitation)
    return (
      <p role="status">
        This invitation is over. Ask for a new one, or <Link href="/">go on without it</Link>.
      </p>
    );
  return (
    <>
      <p>
        {invitation.inviterName ?? 'Somebody'} invites {invitation.maskedEmail} to join{' '}
        <strong>{invitation.organizationName}</strong>
        {invitation.role === 'MEMBER' ? '.' : ` as ${invitation.role.toLowerCase()}.`}
      </p>
      {isSignedIn ? <AcceptForm token={token} /> : <Introduce token={token} />}
    </>
  );
}

function AcceptForm({ token }: { readonly token: string }) {
  const [accept] = useMutation(Accept);
  const [actIn] = useMutation(ActIn);
  const send = async () => {
    const { data } = await accept({ variables: { token } });
    if (data?.acceptInvitation.__typename !== 'InvitationAccepted') return data?.acceptInvitation;
    await actIn({ variables: { organizationId: data.acceptInvitation.membership.organization.id } });
    return null;
  };
  return (
    <Form label="Accept the invitation" submit="Accept" send={send} onDone={() => navigate('/')}>
      {null}
    </Form>
  );
}

/** Who comes by an invitation may have an account or not. After registering by it they are a member already. */
function Introduce({ token }: { readonly token: string }) {
  const [isNew, setNew] = useState(false);
  return isNew ? (
    <Register invitationToken={token} onDone={() => navigate('/')} />
  ) : (
    <>
      <SignIn mayRegister={false} />
      <p className="aside">
        New here?{' '}
        <button type="button" className="plain" onClick={() => setNew(true)}>
          Create an account
        </button>
      </p>
    </>
  );
}
