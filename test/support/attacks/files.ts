import { gzipSync } from 'node:zlib';
import { anUpload, put } from '../files.ts';
import { exchange } from '../raw-socket.ts';
import { zipOf } from '../zip.ts';
import { type Arena, type Attack, kinds } from './arena.ts';

const traces = ['uploads', 'storage_usages', 'discarded_objects', 'audit_entries', 'audit_heads'];
const traversals = [
  '../../../../etc/passwd',
  '..%2f..%2fetc%2fpasswd',
  '%2e%2e/%2e%2e/etc/passwd',
  '....//etc/passwd',
  'upl_x%00',
  '%c0%ae%c0%ae/x',
];

/** The link with one of its parameters changed. */
const altered = (link: string, name: string, value: string) => {
  const url = new URL(link);
  url.searchParams.set(name, value);
  return url.href;
};

async function refusalOf({ owner }: Arena, name: string, bytes: Uint8Array | string): Promise<string> {
  const { status, body } = await put(await anUpload(owner, { name }), bytes);
  return `${status} ${String(body.code)}`;
}

export const fileAttacks: readonly Attack[] = [
  {
    category: 'API1 object level authorization',
    name: 'paths that lead out of a folder, for download, upload and tus',
    safe: ['400', '401', '403', '404'],
    async run({ app, heard }) {
      const lines = traversals.flatMap((path) => [
        `GET /files/${path}`,
        `PUT /uploads/${path}`,
        `PATCH /uploads/tus/${path}`,
        `GET /${path}`,
      ]);
      const answers = await Promise.all(
        lines.map((line) =>
          exchange(
            app.url,
            `${line} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
          ),
        ),
      );
      heard.push(...answers);
      if (answers.some((answer) => answer.includes('root:'))) return 'a file of the machine';
      return kinds([...answers.map((answer) => answer.slice(9, 12)), '400', '401', '403', '404']);
    },
  },
  {
    category: 'API2 authentication',
    name: 'bytes for an upload without its token, with that of another, and with an access token',
    safe: ['401 UNAUTHENTICATED'],
    async run({ request, upload, mallory }) {
      const headers = [
        '',
        'Upload ',
        `Upload ${'A'.repeat(43)}`,
        `Upload ${upload.token.slice(0, -2)}AA`,
        `Bearer ${mallory.accessToken}`,
        `Bearer ${upload.token}`,
      ];
      const send = (authorization: string) =>
        request(upload.url, { method: 'PUT', headers: { authorization }, body: 'hello' });
      return kinds(await Promise.all(headers.map(send)));
    },
  },
  {
    category: 'API1 object level authorization',
    name: 'a download link whose file, time, bearer, kind or signature was changed',
    safe: ['403 FORBIDDEN', '404 NOT_FOUND', true],
    async run({ request, downloadUrl, mallory, key, upload }) {
      const links = [
        altered(downloadUrl, 'expires', '9999999999'),
        altered(downloadUrl, 'expires', '1e12'),
        altered(downloadUrl, 'disposition', 'inline'),
        altered(downloadUrl, 'thumbnail', '64'),
        altered(downloadUrl, 'by', mallory.sessionId),
        altered(downloadUrl, 'by', key.id),
        altered(downloadUrl, 'key', 'other'),
        altered(downloadUrl, 'signature', `${new URL(downloadUrl).searchParams.get('signature')?.slice(0, -2)}AA`),
        altered(downloadUrl, 'signature', ''),
        downloadUrl.split('?')[0] ?? '',
        downloadUrl.replace(/fil_\w+/, upload.id.replace('upl_', 'fil_')),
      ];
      const answers = await Promise.all(links.map((link) => request(link)));
      return [...kinds(answers), (await fetch(downloadUrl)).ok];
    },
    writes: ['egress_days'],
  },
  {
    category: 'API4 resource consumption',
    name: 'a thousand ranges in one header, backwards, beyond the end, and beyond all numbers',
    safe: ['200', '416'],
    writes: ['egress_days'],
    async run({ downloadUrl }) {
      const many = `bytes=${Array.from({ length: 1_000 }, (_, n) => `${n}-${n}`).join(',')}`;
      const ranges = [
        many,
        'bytes=9-1',
        'bytes=1000000-',
        `bytes=${'9'.repeat(400)}-`,
        'bytes=-0',
        'bytes=a-b',
        `bytes=0-${'9'.repeat(400)},1-`,
      ];
      const answers = ranges.map(async (range) => {
        const response = await fetch(downloadUrl, { headers: { range } });
        const { length } = await response.arrayBuffer().then((bytes) => new Uint8Array(bytes));
        return length > 200 ? `${length} bytes` : String(response.status);
      });
      return kinds(await Promise.all(answers));
    },
  },
  {
    category: 'API8 misconfiguration',
    name: 'a program, a page and a script under the names of pictures and texts',
    safe: ['415 TYPE_CONTRADICTS_NAME', '415 UNSUPPORTED_TYPE'],
    writes: traces,
    run: async (arena) =>
      kinds([
        await refusalOf(
          arena,
          'photo.png',
          Buffer.concat([Buffer.from('MZ\x90\0\x03\0\0\0', 'latin1'), Buffer.alloc(8_000, 1)]),
        ),
        await refusalOf(arena, 'notes.txt', '<!DOCTYPE html><script>alert(1)</script>'),
        await refusalOf(arena, 'a.svg', '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
        await refusalOf(arena, 'photo.jpg', 'no picture at all'),
        await refusalOf(arena, 'x.php.txt', '<?php system($_GET["c"]);'),
      ]),
  },
  {
    category: 'API4 resource consumption',
    name: 'archives that explode, and that lead out of their folder',
    safe: ['415 ARCHIVE_EXPLODES'],
    writes: traces,
    run: async (arena) =>
      kinds([
        await refusalOf(arena, 'a.zip', zipOf({ 'a.txt': 'x' }, { unpackedSize: 4_000_000_000 })),
        await refusalOf(arena, 'b.zip', zipOf({ '../../etc/cron.d/x': 'x' })),
        await refusalOf(arena, 'c.zip', zipOf({ link: '/etc/passwd' }, { mode: 0o120777 })),
        await refusalOf(arena, 'd.gz', gzipSync(Buffer.alloc(80 * 1024 * 1024))),
      ]),
  },
  {
    category: 'API4 resource consumption',
    name: 'more bytes than an upload has set aside, and more than the organization has',
    safe: ['200 QUOTA_EXCEEDED', '413 UPLOAD_TOO_LARGE'],
    writes: traces,
    async run({ ask, owner, organizationId }) {
      const { status, body } = await put(await anUpload(owner, { size: 5 }), 'x'.repeat(50_000));
      const input = { organizationId, name: 'all.bin', size: 5 * 1024 ** 3 };
      const open = 'mutation ($input: CreateUploadInput!) { createUpload(input: $input) { ... on Error { code } } }';
      return [await ask(open, { as: owner, variables: { input } }), `${status} ${String(body.code)}`];
    },
  },
];
