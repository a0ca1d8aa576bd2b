import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { aKey } from '../support/api-keys.ts';
import { tokenIn, waitForMail } from '../support/mailbox.ts';
import { withSecondFactor } from '../support/second-factor.ts';
import { textOf } from '../support/sources.ts';
import { anAddress, personWith, useApp } from '../support/world.ts';

const app = useApp();
const run = promisify(execFile);
const hasCurl = existsSync('/usr/bin/curl');
if (!hasCurl)
  console.warn('\n!!! There is no curl on this machine: the lines of docs/clients.md were NOT tested. !!!\n');

const lines = [...textOf('docs/clients.md').matchAll(/^```sh\n(.*?)^```/gms)].map(([, line = '']) => line);

describe.runIf(hasCurl)('docs/clients.md', () => {
  test('shows lines that lead from the registration to a call with an API key', async () => {
    const [email, file] = [anAddress(), path.join(tmpdir(), `gatehouse-notes-${process.pid}.txt`)];
    const known: Record<string, string> = { API: app.url, EMAIL: email, FILE: file };
    const left = [...lines];
    const next = async () => {
      const { stdout } = await run('sh', ['-c', (left.shift() ?? '').replace('curl', 'curl --silent')], { env: known });
      return JSON.parse(stdout);
    };
    await writeFile(file, 'hello');

    expect(await next()).toEqual({ data: { register: { __typename: 'RegistrationPending' } } });
    known.TOKEN = tokenIn(await waitForMail(app, { to: email }));
    expect((await next())[0].text).toContain(known.TOKEN);
    expect(await next()).toEqual({ data: { verifyEmail: { __typename: 'EmailVerified' } } });
    const { login } = (await next()).data;
    known.ACCESS_TOKEN = login.accessToken;
    const { viewer } = (await next()).data;
    expect(viewer).toMatchObject({ email, activeOrganization: { viewerRole: 'OWNER' } });
    known.ORGANIZATION = viewer.activeOrganization.id;
    const { createUpload } = (await next()).data;
    known.UPLOAD_URL = createUpload.upload.url;
    known.UPLOAD_TOKEN = createUpload.token;
    expect(await next()).toMatchObject({ state: 'READY', size: 5, name: 'notes.txt' });

    const tokens = {
      ...login,
      viewer: { user: { id: '' }, session: { id: '' }, activeOrganization: viewer.activeOrganization },
    };
    const ada = personWith(app, tokens, { email, name: 'Ada' });
    await withSecondFactor(app, ada);
    known.API_KEY = (await aKey(app, ada)).secret;
    expect(await next()).toEqual({
      data: { organization: { name: 'Ada’s organization', members: { totalCount: 1 } } },
    });
    expect(left).toEqual([]);
    await rm(file);
  });
});
