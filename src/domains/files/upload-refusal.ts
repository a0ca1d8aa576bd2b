import { AppError } from '../../errors.ts';

/** Every way in which bytes are refused. The codes are stable; `edge/upload-answers.ts` gives each its HTTP status. */
export const uploadRefusals = {
  UPLOAD_TOO_LARGE: 'There are more bytes than this upload may have.',
  UPLOAD_TOO_SHORT: 'There are fewer bytes than were announced.',
  UNSUPPORTED_TYPE: 'Files of this type are not taken.',
  TYPE_CONTRADICTS_NAME: 'The bytes are not what the ending of the name says.',
  ARCHIVE_EXPLODES: 'The archive would unpack to far more than it is, or outside of its folder.',
  DIGEST_MISMATCH: 'The bytes do not have the SHA-256 that was announced.',
  UPLOAD_BUSY: 'Another request sends bytes to this upload.',
  UPLOAD_OVER: 'This upload takes no bytes any more.',
  UPLOAD_EXPIRED: 'The time of this upload is over.',
  UPLOAD_STALLED: 'The bytes came too slowly, or not at all.',
  UPLOAD_CUT: 'The connection ended before the bytes did.',
  INFECTED: 'The virus scan found something.',
  NOT_SCANNED: 'The virus scan did not come to an end.',
} as const;

export type RefusalCode = keyof typeof uploadRefusals;

export class UploadRefused extends AppError {
  declare readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string = uploadRefusals[code]) {
    super(code, message);
  }
}
