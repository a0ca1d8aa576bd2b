import type { ByteRange } from '../platform/storage/storage.ts';

/** What a `Range` header asks for of so many bytes: one part, everything for null, or nothing that there is. */
export type Asked = ByteRange | null | 'unsatisfiable';

/**
 * Reads a `Range` (RFC 9110 §14). A header that cannot be read, and one that wants several parts, is as good as none: the
 * standard lets a server send everything.
 */
export function rangeOf(header: string | undefined, size: number): Asked {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/i.exec(header?.trim() ?? '') ?? [];
  if (first === '' && last === '') return null;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (first !== '' && last !== '' && Number(last) < Number(first)) return null;
  return start < size && (first !== '' || Number(last) > 0) ? { start, end } : 'unsatisfiable';
}
