import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { anUpload, expectNothingLeft, put, stateOf, streamOf } from './support/files.ts';
import { aPerson, type Person, useApp } from './support/world.ts';
import { zipOf } from './support/zip.ts';

const app = useApp();
let ada: Person;
beforeAll(async () => {
  ada = await aPerson(app);
});

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const padded = (start: Buffer) => Buffer.concat([start, Buffer.alloc(8_000, 1)]);
const utf16 = (text: string) => Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]);
const svg = (inside: string) => `<svg xmlns="http://www.w3.org/2000/svg">${inside}</svg>`;

const png = padded(
  hex('89504e470d0a1a0a 0000000d49484452 00000001 00000001 08060000001f15c489 0000000049454e44ae426082'),
);
const exe = padded(Buffer.from('MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff', 'latin1'));
const elf = padded(hex('7f454c46020101000000000000000000'));
const macho = padded(hex('cffaedfe07000001'));
const javaClass = padded(hex('cafebabe00000034'));
const wasm = padded(hex('0061736d01000000'));
const shortcut = padded(hex('4c0000000114020000000000c000000000000046'));
const oldOffice = padded(hex('d0cf11e0a1b11ae1'));
const docxType = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml';
const docxParts = {
  '[Content_Types].xml': `<Types><Override PartName="/word/document.xml" ContentType="${docxType}"/></Types>`,
  'word/document.xml': '<w:document/>',
};

describe('F09 is refused, whatever its name says:', () => {
  test.each<[string, string, Uint8Array | string]>([
    ['a Windows program', 'photo.png', exe],
    ['a Linux program', 'report.pdf', elf],
    ['a macOS program', 'data.bin', macho],
    ['a Java class', 'a.txt', javaClass],
    ['a WebAssembly module', 'a', wasm],
    ['a Windows shortcut', 'a.doc.pdf', shortcut],
    ['an old Office document, which may hold macros', 'letter', oldOffice],
    ['a shell script', 'notes.txt', '#!/bin/sh\nrm -rf ~'],
    ['a batch file', 'notes.txt', '\r\n  @ECHO off\r\ndel *'],
    ['PHP', 'notes.txt', '<?php system($_GET["c"]);'],
    ['a desktop entry', 'notes.txt', '[Desktop Entry]\nExec=sh'],
    ['PostScript', 'a.txt', '%!PS-Adobe-3.0'],
    ['a web page', 'notes.txt', '<!DOCTYPE html><p>hi'],
    ['a web page behind marks, spaces and comments', 'a.png', '\uFEFF \n<!-- x --><!-- y -->\t<HTML>'],
    ['a web page in UTF-16', 'notes.txt', utf16('<html><script>alert(1)</script>')],
    ['a web page after some text', 'notes.txt', 'hello\n<html >'],
    ['a script of a page', 'notes.txt', '<ScRiPt>alert(1)</sCrIpT>'],
    ['a picture with a script', 'a.svg', svg('<script>alert(1)</script>')],
    ['a picture with a handler', 'a.svg', svg('<rect onload="alert(1)"/>')],
    ['a picture with a page inside', 'a.svg', svg('<foreignObject/>')],
    ['a picture that leads elsewhere', 'a.svg', svg('<a href="javascript:alert(1)"/>')],
    ['a picture with a script far behind', 'a.svg', svg(`${'<g/>'.repeat(50_000)}<script/>`)],
    ['XML with entities', 'a.xml', '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><x/>'],
    ['XHTML', 'a.xml', '<?xml version="1.0"?><x xmlns="http://www.w3.org/1999/xhtml"/>'],
    ['a document with macros', 'a.docx', zipOf({ ...docxParts, 'word/vbaProject.bin': 'x' })],
    ['a Java program', 'a.zip', zipOf({ 'a.txt': 'x', 'META-INF/MANIFEST.MF': 'Main-Class: x' })],
    ['text under the name of a program', 'setup.exe', 'hello'],
    ['text under the name of a page', 'page.HTML ', 'hello'],
  ])('%s, by its type', async (_what, name, bytes) => {
    const upload = await anUpload(ada, { name });
    expect(await put(upload, bytes)).toMatchObject({ status: 415, body: { code: 'UNSUPPORTED_TYPE' } });
    expect(await stateOf(ada, upload)).toEqual(['FAILED', 'UNSUPPORTED_TYPE']);
    await expectNothingLeft(app, ada);
  });

  test.each<[string, string, Uint8Array | string]>([
    ['a picture under the name of a document', 'report.pdf', png],
    ['a picture under the name of a text', 'notes.txt', png],
    ['text under the name of a picture', 'photo.png', 'hello'],
    ['bytes that nobody knows under the name of a picture', 'photo.jpg', padded(Buffer.from([0xfe, 0xfd]))],
  ])('%s, by its name', async (_what, name, bytes) => {
    const upload = await anUpload(ada, { name });
    expect(await put(upload, bytes)).toMatchObject({ status: 415, body: { code: 'TYPE_CONTRADICTS_NAME' } });
    await expectNothingLeft(app, ada);
  });

  test.each<[string, Uint8Array]>([
    [
      'an archive that unpacks to a thousand times what it is',
      zipOf({ 'a.txt': 'x' }, { unpackedSize: 4_000_000_000 }),
    ],
    [
      'an archive with more entries than anyone needs',
      zipOf(Object.fromEntries(Array.from({ length: 10_001 }, (_, at) => [`${at}`, '']))),
    ],
    [
      'an archive of archives that hold nothing but repetitions',
      zipOf({ 'lib.zip': 'x'.repeat(1_000) }, { unpackedSize: 14_000 }),
    ],
    ['an archive that leads out of its folder', zipOf({ '../../etc/cron.d/x': 'x' })],
    ['an archive with an absolute path', zipOf({ 'C:\\Windows\\x': 'x' })],
    ['an archive with a symbolic link', zipOf({ link: '/etc/passwd' }, { mode: 0o120777 })],
    ['an archive whose end is cut off', zipOf({ 'a.txt': 'x'.repeat(5_000) }).subarray(0, 3_000)],
  ])('%s, by its directory', async (_what, bytes) => {
    const upload = await anUpload(ada, { name: 'a.zip' });
    expect(await put(upload, bytes)).toMatchObject({ status: 415, body: { code: 'ARCHIVE_EXPLODES' } });
    await expectNothingLeft(app, ada);
  });

  test('a compressed stream of nothing', async () => {
    const upload = await anUpload(ada, { name: 'a.gz' });
    const bomb = gzipSync(Buffer.alloc(100 * 1024 * 1024));
    expect(await put(upload, bomb)).toMatchObject({ status: 415, body: { code: 'ARCHIVE_EXPLODES' } });
    await expectNothingLeft(app, ada);
  });

  test('a program before more than 64 KiB of it are read', async () => {
    const upload = await anUpload(ada, { name: 'a.bin', size: 50_000_000 });
    let pulled = 0;
    const body = streamOf(Buffer.concat([exe, Buffer.alloc(50_000_000 - exe.length)]));
    const counted = body.pipeThrough(
      new TransformStream({
        transform(chunk, controller) {
          pulled += chunk.length;
          controller.enqueue(chunk);
        },
      }),
    );
    expect((await put(upload, counted)).status).toBe(415);
    // What the sockets between us hold comes on top.
    expect(pulled).toBeLessThan(50_000_000);
    await expectNothingLeft(app, ada);
  });
});

describe('is taken, as what it is:', () => {
  test.each<[string, Uint8Array | string, string]>([
    ['photo.png', png, 'image/png'],
    ['photo', png, 'image/png'],
    ['notes.txt', 'Grüße an alle', 'text/plain'],
    ['README.md', '# Title\n<p align="center">\n', 'text/plain'],
    ['data.json', '{"a":1}', 'text/plain'],
    ['picture.svg', svg('<circle r="1"/>'), 'image/svg+xml'],
    ['feed.xml', '<?xml version="1.0"?><feed/>', 'application/xml'],
    ['letter.docx', zipOf(docxParts), 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
    ['stuff.zip', zipOf({ 'a/b.txt': 'hello' }), 'application/zip'],
    ['nested.zip', zipOf({ 'inner.zip': zipOf({ 'a.txt': 'hello' }).toString('latin1') }), 'application/zip'],
    ['stuff.gz', gzipSync('hello'), 'application/gzip'],
    ['report.pdf', padded(Buffer.from('%PDF-1.7\n')), 'application/pdf'],
    ['data.bin', padded(Buffer.from([0xfe, 0xfd])), 'application/octet-stream'],
    ['latin.csv', Buffer.from('Gr\xfc\xdfe;1\n', 'latin1'), 'application/octet-stream'],
    ['late.bin', Buffer.concat([Buffer.from('x'.repeat(10_000)), Buffer.from([0, 1, 2])]), 'application/octet-stream'],
    ['cut.txt', Buffer.from(`${'ü'.repeat(40_000)}`), 'text/plain'],
  ])('%s', async (name, bytes, contentType) => {
    const upload = await anUpload(ada, { name, contentType: 'text/html' });
    expect(await put(upload, typeof bytes === 'string' ? bytes : streamOf(bytes))).toMatchObject({
      status: 201,
      body: { contentType },
    });
  });
});
