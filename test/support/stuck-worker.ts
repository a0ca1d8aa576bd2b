// A process to be killed: `node stuck-worker.ts DATABASE_URL INVITATION_ID` sends itself a job that never ends and says
// `started` once it is in it.
import { enqueue } from '../../src/jobs/queue.ts';
import { startJobs } from './jobs.ts';

const [databaseUrl = '', invitationId = ''] = process.argv.slice(2);

const { ctx } = await startJobs(databaseUrl, {
  async 'invitation.sendEmail'() {
    process.stdout.write('started\n');
    await new Promise(() => setInterval(() => {}, 60_000));
  },
});
await enqueue(ctx, 'invitation.sendEmail', { invitationId });
