import type { ReactNode } from 'react';
import { Home } from './home.tsx';
import { Invitation } from './invitation.tsx';
import { usePath } from './path.ts';
import { Register } from './register.tsx';
import { type Session, startSession } from './session.ts';
import { SignIn } from './sign-in.tsx';
import { VerifyEmail } from './verify-email.tsx';
import { Waiting } from './waiting.tsx';

/** Chooses the page: those of mailed links are for everybody. */
export function App({ status }: { readonly status: Session['status'] }) {
  const { path, token } = usePath();
  if (status === 'starting') {
    return (
      <p className="splash" role="status">
        One moment…
      </p>
    );
  }
  if (status === 'unreachable') return page('No connection', <Waiting error={status} retry={startSession} />);
  const isSignedIn = status === 'signedIn';
  switch (path) {
    case '/verify-email':
      return page('Confirm your address', <VerifyEmail token={token ?? ''} />);
    case '/invitations':
      return page('Invitation', <Invitation token={token ?? ''} isSignedIn={isSignedIn} />);
    case '/register':
      return isSignedIn ? <Home /> : page('Create an account', <Register />);
    default:
      return isSignedIn ? <Home /> : page('Sign in', <SignIn />);
  }
}

/** A page of one card. */
function page(title: string, children: ReactNode) {
  return (
    <main className="card-page">
      <p className="brand">
        <img src="/icon.svg" alt="" width="28" height="28" />
        Gatehouse example
      </p>
      <section className="card">
        <h1>{title}</h1>
        {children}
      </section>
    </main>
  );
}
