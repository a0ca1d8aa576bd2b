import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { SMTPServer } from 'smtp-server';

/** A mail as it went over the wire. */
export interface Delivery {
  readonly recipients: string[];
  /** Header lines, unfolded. */
  readonly headers: string;
  /** Everything below the headers with quoted-printable undone. */
  readonly body: string;
}

export interface PostOffice {
  readonly url: string;
  readonly deliveries: Delivery[];
  close(): Promise<void>;
}

/** A code to refuse a recipient with; `hang`: never an answer; `cut`: takes the mail, and says nothing any more; null: takes it. */
export type Reply = number | 'hang' | 'cut' | null;

const words: Readonly<Record<number, string>> = {
  550: '5.1.1 <{address}> has no mailbox here',
  552: '5.2.2 mailbox full',
  554: '5.7.1 this looks like spam',
};

/** A real SMTP server on the loopback. `reply` says what becomes of each mail; each takes `takesMs`. */
export async function startPostOffice(
  reply: (address: string) => Reply = () => null,
  { takesMs = 0 } = {},
): Promise<PostOffice> {
  const deliveries: Delivery[] = [];
  const toCut = new Set<string>();
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onRcptTo({ address }, session, done) {
      const answer = reply(address);
      if (answer === 'hang') return;
      if (answer === 'cut') toCut.add(session.id);
      if (typeof answer !== 'number') return done();
      const text = (words[answer] ?? 'not now').replace('{address}', address);
      done(Object.assign(new Error(text), { responseCode: answer }));
    },
    onData(stream, session, done) {
      const recipients = session.envelope.rcptTo.map(({ address }) => address);
      buffer(stream).then(async (message) => {
        if (takesMs > 0) await delay(takesMs);
        deliveries.push({ recipients, ...parsed(message.toString('utf8')) });
        if (!toCut.delete(session.id)) return done();
        for (const connection of server.connections) if (connection.id === session.id) connection.close();
      }, done);
    },
  });
  // A client that is killed resets its connection.
  server.on('error', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    deliveries,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function parsed(message: string): Pick<Delivery, 'headers' | 'body'> {
  const [headers = '', ...rest] = message.split('\r\n\r\n');
  return { headers: headers.replace(/\r\n[ \t]+/g, ' '), body: plain(rest.join('\r\n\r\n')) };
}

function plain(quotedPrintable: string): string {
  const bytes = quotedPrintable.replace(/=\r\n/g, '').replace(/=([0-9A-F]{2})/g, (_, hex) => `%${hex}`);
  return decodeURIComponent(bytes.replace(/%(?![0-9A-F]{2})/g, '%25'));
}
