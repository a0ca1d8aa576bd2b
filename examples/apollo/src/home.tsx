import { useQuery } from '@apollo/client/react';
import { Files } from './files.tsx';
import { graphql } from './generated/gql.ts';
import { Header } from './header.tsx';
import { Link } from './link.tsx';
import { Members } from './members.tsx';
import { OrganizationSwitcher } from './organization-switcher.tsx';
import { usePath } from './path.ts';
import { Security } from './security.tsx';
import { StepUp } from './step-up-dialog.tsx';
import { Waiting } from './waiting.tsx';

const Me = graphql(`
  query Me {
    viewer {
      id
      email
      user { id name }
      activeOrganization { id name viewerRole }
      memberships(first: 50) { edges { node { id organization { id name } } } }
      mfa { totpEnabled backupCodesRemaining }
    }
  }
`);

/** Everything behind the sign-in. */
export function Home() {
  const { path } = usePath();
  const { data, error, refetch } = useQuery(Me, { fetchPolicy: 'cache-and-network' });
  const viewer = data?.viewer;
  if (!viewer)
    return (
      <main className="page">
        <Waiting error={error} retry={refetch} />
      </main>
    );
  const organization = viewer.activeOrganization;
  return (
    <>
      <Header name={viewer.user.name} email={viewer.email}>
        <OrganizationSwitcher
          organizations={viewer.memberships.edges.map(({ node }) => node.organization)}
          activeId={organization?.id ?? ''}
        />
      </Header>
      <nav className="tabs" aria-label="Pages">
        <Link href="/">Members</Link>
        <Link href="/files">Files</Link>
        <Link href="/security">Security</Link>
      </nav>
      <main className="page" key={organization?.id}>
        {path === '/security' ? (
          <Security mfa={viewer.mfa} />
        ) : !organization ? (
          <p className="empty">You are a member of no organization. An invitation changes that.</p>
        ) : path === '/files' ? (
          <Files organizationId={organization.id} />
        ) : (
          <Members organizationId={organization.id} isAdmin={organization.viewerRole !== 'MEMBER'} />
        )}
      </main>
      <StepUp email={viewer.email} needsCode={viewer.mfa.totpEnabled} />
    </>
  );
}
