import type { ReactNode } from 'react';
import { Home } from './home.tsx';
import { Invitation } from './invitation.tsx';
import { usePath } from './path.ts';
import { Register } from './register.tsx';
import type { Session } from './session.ts';
import { SignIn } from './sign-in.tsx';
import { VerifyEmail } from './verify-email.tsx';

/** Chooses the page: those of mailed links are for everybody. */
export function App({ status }: { readonly status: Session['status'] }) {
  const { path, token } = usePath();
  if (status === 'starting')
    return (
      <p className="splash" role="status">
        One moment…
      </p>
    );
  const isSignedIn = status === 'signedIn';
  if (path === '/verify-email') return <Card title="Confirm your address">{<VerifyEmail token={token ?? ''} />}</Card>;
  if (path === '/invitations')
    return <Card title="Invitation">{<Invitation token={token ?? ''} isSignedIn={isSignedIn} />}</Card>;
  if (isSignedIn) return <Home />;
  if (path === '/register') return <Card title="Create an account">{<Register />}</Card>;
  return <Card title="Sign in">{<SignIn />}</Card>;
}

function Card({ title, children }: { readonly title: string; readonly children: ReactNode }) {
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
