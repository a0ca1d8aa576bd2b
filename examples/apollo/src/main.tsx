import { ApolloProvider } from '@apollo/client/react';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { createApolloClient } from './client.ts';
import { currentSession, startSession, subscribeToSession } from './session.ts';
import './styles/all.css';

const root = createRoot(document.getElementById('root') ?? document.body);
let person = personOf();
let apollo = createApolloClient();

function personOf(): string | null {
  const session = currentSession();
  return session.status === 'signedIn' ? session.viewerId : null;
}

/** Shows the application anew when the session changes; for another person with another client, and nothing of the last. */
function show(): void {
  if (personOf() !== person) {
    apollo.close();
    [person, apollo] = [personOf(), createApolloClient()];
  }
  root.render(
    <StrictMode>
      <ApolloProvider client={apollo.client}>
        <App key={person} status={currentSession().status} />
      </ApolloProvider>
    </StrictMode>,
  );
}

subscribeToSession(show);
show();
void startSession();
