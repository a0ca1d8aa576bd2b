import { isUtf8 } from 'node:buffer';

/** What files begin with that a shell, an interpreter or a shortcut runs, and file-type does not know. */
const runnableStarts = [
  '#!',
  'MZ',
  '@echo',
  '<?php',
  '<%',
  '%!PS',
  'dex\n',
  '\x1bLua',
  '#@~^',
  '[internetshortcut]',
  '[desktop entry]',
  'windows registry editor',
].map((start) => start.toLowerCase());

const pageStart = /^<(?:!doctype html|html|head|body|script|iframe|style|title|meta|link|object|embed|form)[\s/>]/;
const pageAnywhere = /<(?:!doctype html|html)[\s/>]/;
const svgAnywhere = /<(?:\w+:)?svg[\s/>]/;
const sniffedChars = 1024;

/** Whether bytes are the beginning of a program or a web page for whatever reads them by their look, in UTF-8 or UTF-16. */
export function looksRunnable(head: Uint8Array): boolean {
  const text = readAsText(head);
  return runnableStarts.some((start) => text.startsWith(start)) || pageStart.test(text) || pageAnywhere.test(text);
}

/** Whether bytes begin an SVG picture or other XML, with or without a prolog. */
export function markupIn(head: Uint8Array): 'svg' | 'xml' | null {
  const text = readAsText(head);
  if (!text.startsWith('<')) return null;
  if (svgAnywhere.test(text)) return 'svg';
  return text.startsWith('<?xml') ? 'xml' : null;
}

/** Whether all of it is text in UTF-8; of a beginning, the last character may be cut. */
export function isPlainText(bytes: Uint8Array, isWhole: boolean): boolean {
  const whole = isWhole ? bytes : bytes.subarray(0, bytes.length - cutBytes(bytes));
  return !controls.test(Buffer.from(whole).toString('latin1')) && isUtf8(whole);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what text does not have
const controls = /[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]/;

/** How many bytes at the end belong to a character that goes on. */
export function cutBytes(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) > back ? back : 0;
  }
  return 0;
}

/** The first characters in lower case, without what stands before the first that counts: marks, spaces, comments. */
function readAsText(head: Uint8Array): string {
  const text = new TextDecoder(encodingOf(head)).decode(head).replace(/^\uFEFF/, '');
  return text
    .replace(/^(?:\s+|<!--[\s\S]*?-->)+/, '')
    .slice(0, sniffedChars)
    .toLowerCase();
}

function encodingOf([first, second, third, fourth]: Uint8Array): string {
  if ((first === 0xff && second === 0xfe) || (second === 0 && fourth === 0)) return 'utf-16le';
  if ((first === 0xfe && second === 0xff) || (first === 0 && third === 0)) return 'utf-16be';
  return 'utf-8';
}
