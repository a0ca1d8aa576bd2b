import { type Caller, callerWith, type TestApp } from './world.ts';

/** A caller that keeps cookies by site, as a browser does, and can go to the pages of others. */
export interface Traveller extends Caller {
  /** Goes where redirects lead, until the page; what the page is given. */
  visit(url: string, page: string): Promise<Record<string, string>>;
  /** The same browser, once somebody has signed in. */
  as(accessToken: string): Traveller;
}

/** Cookies by origin. */
type Jar = Map<string, Map<string, string>>;

const redirectsMax = 20;

export function aTraveller(app: TestApp): Traveller {
  return travellerWith(app, new Map());
}

function travellerWith(app: TestApp, jar: Jar, accessToken?: string): Traveller {
  const caller = callerWith(app, accessToken);
  return {
    async send(document, variables, headers = {}) {
      const cookie = cookiesFor(jar, app.url);
      const answer = await caller.send(document, variables, { ...(cookie && { cookie }), ...headers });
      keepCookies(jar, app.url, answer.headers);
      return answer;
    },
    visit: (url, page) => follow(jar, url, page),
    as: (token) => travellerWith(app, jar, token),
  };
}

async function follow(jar: Jar, from: string, page: string): Promise<Record<string, string>> {
  let url = new URL(from);
  for (let hops = 0; hops < redirectsMax; hops += 1) {
    if (url.href.startsWith(`${page}?`)) return Object.fromEntries(url.searchParams);
    const response = await fetch(url, { redirect: 'manual', headers: { cookie: cookiesFor(jar, url.href) } });
    keepCookies(jar, url.href, response.headers);
    const location = response.headers.get('location');
    if (!location) throw new Error(`${url.pathname} answered ${response.status}: ${await response.text()}`);
    url = new URL(location, url);
  }
  throw new Error(`the redirects from ${from} have no end`);
}

function cookiesFor(jar: Jar, url: string): string {
  return [...(jar.get(new URL(url).origin) ?? [])].map(([name, value]) => `${name}=${value}`).join('; ');
}

function keepCookies(jar: Jar, url: string, headers: Headers): void {
  const { origin } = new URL(url);
  const cookies = jar.get(origin) ?? new Map<string, string>();
  jar.set(origin, cookies);
  for (const line of headers.getSetCookie()) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    if (/max-age=0\b|expires=Thu, 01 Jan 1970/i.test(line)) cookies.delete(name);
    else cookies.set(name, value);
  }
}
