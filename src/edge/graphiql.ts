import type { IncomingMessage, ServerResponse } from 'node:http';

/** The page's own scripts and styles are inline, and its editor runs workers from blobs. Nothing comes from elsewhere. */
const policy = [
  "default-src 'none'",
  "script-src 'unsafe-inline' 'unsafe-eval' blob:",
  'worker-src blob:',
  "style-src 'unsafe-inline'",
  'font-src data:',
  'img-src data:',
  "connect-src 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

const journey = `# Welcome to Gatehouse. Put the cursor into an operation and press Ctrl-Enter.
#
# 1. Make an account. It comes with an organization of its own.

mutation Register {
  register(input: { name: "Ada", email: "ada@example.com", password: "a long secret of mine" }) {
    __typename
    ... on RegistrationPending { email }
    ... on Error { message }
  }
}

# 2. The mail that it sends lies at /dev/mailbox. Take the token out of its link.

mutation VerifyEmail {
  verifyEmail(input: { token: "…" }) {
    __typename
    ... on EmailVerified { email }
    ... on Error { message }
  }
}

# 3. Sign in.

mutation Login {
  login(input: { email: "ada@example.com", password: "a long secret of mine" }) {
    __typename
    ... on SignedIn { accessToken refreshToken }
    ... on Error { message }
  }
}

# 4. Put the access token into the tab "Headers" below: { "authorization": "Bearer …" }. It lasts five minutes.

query Viewer {
  viewer {
    email
    activeOrganization { id name viewerRole }
  }
}
`;

let page: Promise<string> | null = null;

/** Whether a browser asks for the page, rather than a client for data. */
export function wantsGraphiql(request: IncomingMessage): boolean {
  return request.method === 'GET' && (request.headers.accept ?? '').includes('text/html');
}

/** The GraphiQL page, whole: no request leaves the machine. */
export async function sendGraphiql(response: ServerResponse): Promise<void> {
  page ??= render();
  response.setHeader('content-type', 'text/html; charset=utf-8');
  response.setHeader('content-security-policy', policy);
  response.setHeader('cache-control', 'no-cache');
  response.writeHead(200).end(await page);
}

// Nine megabytes, so they are loaded by the first who asks.
async function render(): Promise<string> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  return renderGraphiQL({ title: 'Gatehouse', defaultQuery: journey, headers: '{}' });
}
