import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
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

/** A real SMTP server on the loopback. `refuse` gives the reply code for a recipient who gets none, null otherwise. */
export async function startPostOffice(refuse: () => number | null = () => null): Promise<PostOffice> {
  const deliveries: Delivery[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onRcptTo(_address, _session, done) {
      const responseCode = refuse();
      done(responseCode === null ? null : Object.assign(new Error('not now'), { responseCode }));
    },
    onData(stream, session, done) {
      const recipients = session.envelope.rcptTo.map(({ address }) => address);
      buffer(stream).then((message) => {
        deliveries.push({ recipients, ...parsed(message.toString('utf8')) });
        done();
      }, done);
    },
  });
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
