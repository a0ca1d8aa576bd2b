import { useMutation } from '@apollo/client/react';
import type { ReactNode } from 'react';
import { messageOf } from './client.ts';
import { graphql } from './generated/gql.ts';
import { Notifications } from './notifications.tsx';
import { signedOut } from './session.ts';

const Logout = graphql(`mutation Logout { logout { __typename } }`);

interface Props {
  readonly name: string;
  readonly email: string;
  readonly children: ReactNode;
}

/** Who is here, what has happened, and the way out. */
export function Header({ name, email, children }: Props) {
  const [logout, { error }] = useMutation(Logout);
  // Only the server can end a session: as long as it does not answer, the cookie is still good.
  const leave = () => void logout().then(signedOut, () => undefined);
  return (
    <header className="top">
      <p className="brand">
        <img src="/icon.svg" alt="" width="28" height="28" />
        <span>Gatehouse example</span>
      </p>
      {children}
      <div className="person">
        <Notifications />
        <span className="name" title={email}>
          {name}
        </span>
        <button type="button" className="quiet" onClick={leave}>
          Sign out
        </button>
      </div>
      <p role="alert" className="refusal">
        {error && `You are still signed in. ${messageOf(error)}`}
      </p>
    </header>
  );
}
