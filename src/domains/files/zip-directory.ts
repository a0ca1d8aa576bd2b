/** The end of a ZIP (APPNOTE 4.3): its last record with the longest comment, and what ZIP64 has before it. */
export const zipTailBytes = 65_535 + 22 + 76;

const endSignature = 0x06054b50;
const end64Signature = 0x06064b50;
const entrySignature = 0x02014b50;
const entryBytes = 46;
const entriesMax = 10_000;
const symbolicLink = 0o120000;
/** An archive is packed already: one that can be packed much further holds the same thing over and over (42.zip). */
const innerArchive = /\.(zip|jar|gz|tgz|bz2|xz|zst|7z|rar)$/i;
const innerRatioMax = 5;
const innerHarmlessBytes = 4_096;

/** Where the directory of a ZIP lies, read from its tail; null when the tail is none of a ZIP. */
export function directoryPlace(tail: Buffer): { start: number; length: number } | null {
  const end = tail.lastIndexOf(signature(endSignature));
  if (end < 0 || end + 22 > tail.length) return null;
  const [length, start] = [tail.readUInt32LE(end + 12), tail.readUInt32LE(end + 16)];
  if (length !== 0xffffffff && start !== 0xffffffff) return { start, length };
  const end64 = tail.lastIndexOf(signature(end64Signature), end);
  if (end64 < 0) return null;
  return { length: Number(tail.readBigUInt64LE(end64 + 40)), start: Number(tail.readBigUInt64LE(end64 + 48)) };
}

export interface DirectoryJudgement {
  readonly unpackedBytes: number;
  /** Not too many entries; none of them a link, outside of the folder that it is unpacked to, or an archive full of nothing. */
  readonly isSafe: boolean;
  /** It holds the macros of an office document, or is a program of Java or Android. */
  readonly runs: boolean;
}

/** What the directory of a ZIP says of its entries. One that cannot be read is not safe. */
export function judgeDirectory(directory: Buffer): DirectoryJudgement {
  let unpackedBytes = 0;
  let [isSafe, runs, entries] = [true, false, 0];
  let at = 0;
  while (at + entryBytes <= directory.length && directory.readUInt32LE(at) === entrySignature) {
    const [nameLength, extraLength] = [directory.readUInt16LE(at + 28), directory.readUInt16LE(at + 30)];
    const end = at + entryBytes + nameLength + extraLength + directory.readUInt16LE(at + 32);
    const name = directory.toString('utf8', at + entryBytes, at + entryBytes + nameLength);
    const extra = directory.subarray(at + entryBytes + nameLength, at + entryBytes + nameLength + extraLength);
    const unpacked = unpackedOf(directory.readUInt32LE(at + 24), extra);
    unpackedBytes += unpacked;
    const isLink = ((directory.readUInt32LE(at + 38) >>> 16) & 0o170000) === symbolicLink;
    const isHollow = unpacked > innerHarmlessBytes && unpacked > innerRatioMax * directory.readUInt32LE(at + 20);
    isSafe &&= !(isHollow && innerArchive.test(name));
    isSafe &&= !isLink && !/^[/\\]|^[a-z]:|(^|[/\\])\.\.([/\\]|$)/i.test(name);
    runs ||= /(^|\/)vbaProject\.bin$|^META-INF\/MANIFEST\.MF$|^AndroidManifest\.xml$/i.test(name);
    entries += 1;
    at = end;
  }
  return { unpackedBytes, isSafe: isSafe && at === directory.length && entries <= entriesMax, runs };
}

/** ZIP64 keeps the size in its extra field 1, first of all. */
function unpackedOf(size: number, extra: Buffer): number {
  if (size !== 0xffffffff) return size;
  for (let at = 0; at + 12 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) === 1) return Number(extra.readBigUInt64LE(at + 4));
  }
  return Number.MAX_SAFE_INTEGER;
}

function signature(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
