export interface Transfer {
  /** Resolves when the file is there. @throws UploadRefused, or AbortError after `abort` */
  readonly done: Promise<void>;
  readonly abort: () => void;
}

interface Target {
  readonly url: string;
  readonly token: string;
}

/** The bytes were not taken; the message says why. */
export class UploadRefused extends Error {}

/**
 * Sends a file to where `createUpload` says. `XMLHttpRequest`, because `fetch` tells nothing of what has gone out.
 * @param onProgress called with the share that is sent, from 0 to 1
 */
export function sendFile(file: Blob, { url, token }: Target, onProgress: (share: number) => void): Transfer {
  const request = new XMLHttpRequest();
  const done = new Promise<void>((resolve, reject) => {
    request.upload.onprogress = ({ loaded, total }) => onProgress(total === 0 ? 1 : loaded / total);
    request.onload = () => (request.status < 300 ? resolve() : reject(new UploadRefused(reasonOf(request))));
    request.onerror = () => reject(new UploadRefused('The connection broke off. Try again.'));
    request.onabort = () => reject(new DOMException('The upload was stopped.', 'AbortError'));
  });
  request.open('PUT', url);
  request.setRequestHeader('authorization', `Upload ${token}`);
  request.send(file);
  return { done, abort: () => request.abort() };
}

/** Refusals are problem documents (RFC 9457). */
function reasonOf({ responseText }: XMLHttpRequest): string {
  try {
    return String(JSON.parse(responseText).detail ?? 'The file was not taken.');
  } catch {
    return 'The file was not taken.';
  }
}
