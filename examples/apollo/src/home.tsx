import { useMutation, useQuery } from '@apollo/client/react';
import { Files } from './files.tsx';
import { graphql } from './generated/gql.ts';
import { Link } from './link.tsx';
import { Members } from './members.tsx';
import { Notifications } from './notifications.tsx';
import { OrganizationSwitcher } from './organization-switcher.tsx';
import { usePath } from './path.ts';
import { Security } from './security.tsx';
import { signedOut } from './session.ts';
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

const Logout = graphql(`mutation Logout { logout { __typename } }`);

/** Everything behind the sign-in. */
export function Home() {
  const { path } = usePath();
  const { data, error, refetch } = useQuery(Me);
  const [logout] = useMutation(Logout);
  const viewer = data?.viewer;
  if (!viewer)
    return (
      <main className="page">
        <Waiting error={error} retry={refetch} />
      </main>
    );
  const organization = viewer.activeOrganization;
  const leave = () => void logout().then(signedOut, signedOut);
  return (
    <>
      <header className="top">
        <p className="brand">
          <img src="/icon.svg" alt="" width="28" height="28" />
          <span>Gatehouse example</span>
        </p>
        <OrganizationSwitcher
          organizations={viewer.memberships.edges.map(({ node }) => node.organization)}
          activeId={organization?.id ?? ''}
        />
        <div className="person">
          <Notifications />
          <span className="name" title={viewer.email}>
            {viewer.user.name}
          </span>
          <button type="button" className="quiet" onClick={leave}>
            Sign out
          </button>
        </div>
      </header>
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
      <StepUp needsCode={viewer.mfa.totpEnabled} />
    </>
  );
}
