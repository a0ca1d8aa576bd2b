import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { type Answer, callerWith } from './world.ts';

/** A page in a browser: it names its origin, and keeps and sends what cookies it gets. */
export interface Browser {
  /** What it would send as `Cookie`, null when it has none. */
  cookie: string | null;
  send<Data, Variables>(
    document: TypedDocumentNode<Data, Variables>,
    variables?: Variables,
    headers?: Record<string, string>,
  ): Promise<Answer<Data>>;
}

export const appPage = 'http://localhost:3000';

export function aBrowser(
  app: { readonly url: string },
  cookie: string | null = null,
  origin: string | null = appPage,
): Browser {
  const browser: Browser = {
    cookie,
    async send(document, variables, headers = {}) {
      const answer = await callerWith(app).send(document, variables, {
        ...(origin && { origin }),
        ...(browser.cookie && { cookie: `theme=dark; ${browser.cookie}` }),
        ...headers,
      });
      for (const line of answer.headers.getSetCookie())
        browser.cookie = /Max-Age=0;/.test(line) ? null : (line.split(';')[0] ?? null);
      return answer;
    },
  };
  return browser;
}
