/** Signs that turn the direction of text, and what ends or breaks a header. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a header must not have
const unsafe = /[\u0000-\u001f\u007f\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/g;

/** `Content-Disposition` for a file of this name (RFC 6266), the name in ASCII for old clients and whole in UTF-8 (RFC 8187). */
export function contentDisposition(kind: 'attachment' | 'inline', name: string): string {
  const safe = name.replace(unsafe, '').toWellFormed();
  const plain = safe.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  const whole = encodeURIComponent(safe).replace(
    /['()*!]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${kind}; filename="${plain}"; filename*=UTF-8''${whole}`;
}
