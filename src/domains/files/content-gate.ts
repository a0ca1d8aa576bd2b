import { isUtf8 } from 'node:buffer';
import { fileTypeFromBuffer } from 'file-type';
import { cutBytes, isPlainText, looksRunnable, markupIn } from './content-sniffing.ts';
import { contradictsName, isAllowedType, isRunnableName, textType, unknownType } from './content-types.ts';
import { UploadRefused } from './upload-refusal.ts';

/** So many bytes tell the type. */
export const headBytes = 4100;

/** What is known of bytes once they have all gone by. */
export interface Found {
  type: string;
}

/**
 * Lets bytes by whose type is taken and fits the name. The first of them are held back until the type is known, so that of
 * a refused file nothing is stored.
 * @throws UploadRefused
 */
export async function* inspected(
  source: AsyncIterable<Uint8Array>,
  name: string,
  found: Found,
): AsyncIterable<Uint8Array> {
  let watch: Watch | null = null;
  let head: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    if (watch) {
      watch.see(chunk);
      yield chunk;
      continue;
    }
    head = Buffer.concat([head, chunk]);
    if (head.length < headBytes) continue;
    watch = await watchFor(head, name, false);
    watch.see(head);
    yield head;
  }
  if (!watch) {
    watch = await watchFor(head, name, true);
    watch.see(head);
    if (head.length > 0) yield head;
  }
  found.type = watch.end();
  requireTaken(found.type, name);
}

/**
 * Lets the first bytes of a file by once their look does not speak against it, and all that follows: for bytes that are
 * looked at as a whole later.
 * @throws UploadRefused
 */
export async function* headInspected(source: AsyncIterable<Uint8Array>, name: string): AsyncIterable<Uint8Array> {
  let head: Buffer | null = Buffer.alloc(0);
  for await (const chunk of source) {
    if (!head) {
      yield chunk;
      continue;
    }
    head = Buffer.concat([head, chunk]);
    if (head.length < headBytes) continue;
    (await watchFor(head, name, false)).see(head);
    yield head;
    head = null;
  }
  if (head && head.length > 0) yield head;
}

/** Looks on while the rest goes by. */
interface Watch {
  /** @throws UploadRefused */
  see(bytes: Uint8Array): void;
  /** The type, once everything was seen. */
  end(): string;
}

/** @throws UploadRefused for a beginning that is refused already */
async function watchFor(head: Uint8Array, name: string, isWhole: boolean): Promise<Watch> {
  if (isRunnableName(name) || looksRunnable(head)) throw new UploadRefused('UNSUPPORTED_TYPE');
  const markup = isPlainText(head, isWhole) ? markupIn(head) : null;
  if (markup) return watchMarkup(markup === 'svg' ? 'image/svg+xml' : 'application/xml');
  const detected = await detect(head);
  if (!detected && isPlainText(head, isWhole)) return watchText();
  const type = detected ?? unknownType;
  requireTaken(type, name);
  return { see: () => undefined, end: () => type };
}

function requireTaken(type: string, name: string): void {
  if (!isAllowedType(type)) throw new UploadRefused('UNSUPPORTED_TYPE');
  if (contradictsName(type, name)) throw new UploadRefused('TYPE_CONTRADICTS_NAME');
}

async function detect(head: Uint8Array): Promise<string | null> {
  try {
    return (await fileTypeFromBuffer(head))?.mime ?? null;
  } catch {
    // A beginning that breaks off where a parser wants more.
    return null;
  }
}

/** Text is text to its end; else it is bytes like any other. */
function watchText(): Watch {
  let isText = true;
  let cut: Buffer = Buffer.alloc(0);
  return {
    see(bytes) {
      if (!isText) return;
      const joined = cut.length > 0 ? Buffer.concat([cut, bytes]) : bytes;
      const tail = cutBytes(joined);
      const whole = joined.subarray(0, joined.length - tail);
      isText = isUtf8(whole) && !whole.includes(0);
      cut = Buffer.from(joined.subarray(joined.length - tail));
    },
    end: () => (isText && cut.length === 0 ? textType : unknownType),
  };
}

/** What makes a picture or a document of XML act: scripts, handlers, foreign content, entities, pages inside. */
const acting =
  /<(?:[\w-]+:)?(?:script|foreignobject|iframe|embed|object|handler|listener)\b|[\s"'/]on[a-z]{3,}\s*=|javascript:|<!entity|xlink:href\s*=\s*["']\s*(?!#|data:image\/(?:png|jpe?g|gif|webp))|www\.w3\.org\/1999\/xhtml|data:text\/html|<\?xml-stylesheet/i;
const overlapChars = 256;

function watchMarkup(type: string): Watch {
  let tail = '';
  return {
    see(bytes) {
      const text = tail + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
      if (acting.test(text) || text.includes('\0')) throw new UploadRefused('UNSUPPORTED_TYPE');
      tail = text.slice(-overlapChars);
    },
    end: () => type,
  };
}
