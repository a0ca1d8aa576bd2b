import { z } from 'zod';

/** Where files lie, how large they may be, and who looks for viruses in them. */
export interface FilesConfig {
  /** For one file, in bytes. */
  readonly maxBytes: number;
  /** Null: on the local disk, in the data folder. */
  readonly s3: S3Config | null;
  /** A clamd, `tcp://host:port` or `unix:/path`; null: nobody looks. */
  readonly clamdUrl: string | null;
  /** Whether what could not be scanned is refused. */
  readonly clamdFailClosed: boolean;
}

/** A bucket of Amazon S3, or of the server at `endpoint`. */
export interface S3Config {
  readonly bucket: string;
  /** Null: Amazon's of the region. */
  readonly endpoint: string | null;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** What `config.ts` takes from the environment for it. */
export const storageVariables = {
  S3_BUCKET: z.string().optional(),
  S3_ENDPOINT: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).optional(),
  S3_REGION: z.string().default('us-east-1'),
  S3_ACCESS_KEY_ID: z.string().optional(),
  S3_SECRET_ACCESS_KEY: z.string().optional(),
};

type Variables = z.output<z.ZodObject<typeof storageVariables>> & {
  readonly UPLOAD_MAX_BYTES: number;
  readonly CLAMD_URL?: string | undefined;
  readonly CLAMD_FAIL_CLOSED: boolean;
};

export function filesOf(env: Variables): FilesConfig {
  return {
    maxBytes: env.UPLOAD_MAX_BYTES,
    s3: s3Of(env),
    clamdUrl: env.CLAMD_URL ?? null,
    clamdFailClosed: env.CLAMD_FAIL_CLOSED,
  };
}

function s3Of(env: Variables): S3Config | null {
  const { S3_BUCKET: bucket, S3_ENDPOINT, S3_REGION: region } = env;
  const { S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (!bucket || !accessKeyId || !secretAccessKey) return null;
  return { bucket, endpoint: S3_ENDPOINT ?? null, region, accessKeyId, secretAccessKey };
}

/** A bucket without its keys would send files to the local disk without a word. */
export function storageProblems(given: Readonly<Record<string, string | undefined>>): string[] {
  if (given.S3_BUCKET === undefined) return [];
  return ['S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY']
    .filter((name) => given[name] === undefined)
    .map((name) => `${name}: must be set with S3_BUCKET`);
}
