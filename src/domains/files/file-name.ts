import { z } from 'zod';
import { ValidationFailed } from '../../errors.ts';

/** Signs that turn the direction of text, by which `gnp.exe` can be shown as `exe.png`. */
const directions = /[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/g;

/** A name for people, of one file: no folder, no control characters, no signs that turn text around. */
export const FileName = z
  .string()
  .transform((name) => name.normalize('NFC').replace(directions, '').trim())
  .pipe(
    z
      .string()
      .min(1, 'Give the file a name.')
      .max(255, 'Use at most 255 characters.')
      .refine((name) => !/[/\\\p{Cc}\p{Cs}]/u.test(name), 'Leave out slashes and control characters.')
      .refine((name) => !/^\.{1,2}$/.test(name), 'A folder is no name.'),
  );

export const NewFileName = z.object({ name: FileName });

/** @throws ValidationFailed */
export function refuseName(message: string): never {
  throw new ValidationFailed([{ path: ['name'], message }]);
}
