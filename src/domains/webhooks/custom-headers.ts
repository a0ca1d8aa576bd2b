import { z } from 'zod';

/** What HTTP, the receiver's proxy or Standard Webhooks decide by: nobody else sets it. */
const denied =
  /^(host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect|via|cookie|date|user-agent|accept-encoding|forwarded|content-.*|proxy-.*|x-forwarded-.*|x-real-ip|webhook-.*)$/;

const Header = z.object({
  name: z
    .string()
    .trim()
    .toLowerCase()
    .regex(/^[a-z0-9!#$%&'*+.^_`|~-]{1,64}$/, 'Use the letters of a header’s name, at most 64.')
    .refine((name) => !denied.test(name), 'This header is not yours to set.'),
  value: z
    .string()
    .trim()
    .max(1024, 'Use at most 1024 characters.')
    .regex(/^[\x20-\x7e]*$/, 'Use printable ASCII.'),
});

/** Headers that a receiver wants to see with each delivery, for a gateway before it. */
export const CustomHeaders = z
  .array(Header)
  .max(10, 'Use at most ten headers.')
  .refine((headers) => new Set(headers.map(({ name }) => name)).size === headers.length, 'Name each header once.');

export type CustomHeader = z.output<typeof Header>;
