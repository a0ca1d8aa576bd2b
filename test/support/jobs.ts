import { readConfig } from '../../src/config.ts';
import { type Ctx, systemCtx } from '../../src/context.ts';
import type { JobHandlers, JobName } from '../../src/jobs/catalog.ts';
import { createJobQueue, startJobQueue } from '../../src/jobs/queue.ts';
import { startWorker } from '../../src/jobs/worker.ts';
import { connectDb } from '../../src/platform/db.ts';
import { createLogger } from '../../src/platform/log.ts';
import { createMailer } from '../../src/platform/mailer.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { createLocalPubSub } from '../../src/platform/pubsub.ts';

export interface RunningJobs {
  readonly ctx: Ctx;
  readonly logLines: Record<string, unknown>[];
  stop(): Promise<void>;
}

/** The worker of the program with handlers of the test's own; a job without one fails. */
export async function startJobs(
  databaseUrl: string,
  handlers: Partial<JobHandlers<JobName>>,
  environment: Record<string, string> = {},
): Promise<RunningJobs> {
  const logLines: Record<string, unknown>[] = [];
  const log = createLogger('info', { write: (line) => void logLines.push(JSON.parse(line)) });
  const config = readConfig(environment);
  const now = () => new Date(Date.now() + config.clockOffsetSeconds * 1000);
  const { db } = connectDb(databaseUrl, log);
  const mailer = createMailer(config, now);
  const jobQueue = createJobQueue(databaseUrl, log, { role: 'works', ...config });
  await startJobQueue(jobQueue, config);
  const platform = { config, log, now, db, mailer, jobQueue, pubsub: createLocalPubSub() } as Platform;
  const worker = await startWorker(platform, handlers as JobHandlers<JobName>);
  return {
    ctx: systemCtx(platform),
    logLines,
    async stop() {
      await worker.stop();
      mailer.close();
      await db.$disconnect();
    },
  };
}
