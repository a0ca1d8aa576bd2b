import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { Repeater } from '@repeaterjs/repeater';
import type { RedisConnections } from './redis.ts';

/** What processes tell each other: ids only, content is loaded by whoever listens. */
export interface Topics {
  /** By user id: there is something new or newly read in their list. */
  notifications: { readonly notificationId: string };
  /** By upload id: it has moved on. */
  uploadProgress: { readonly uploadId: string };
  /** By `all`. */
  deadLetters: { readonly deadLetterId: string };
}

export type Topic = keyof Topics;

/** At most once and to whoever listens now: what must not be missed is also in the database. */
export interface PubSub {
  publish<Name extends Topic>(topic: Name, key: string, event: Topics[Name]): void;
  /** Ends, and stops listening, when the reader stops. A reader that falls too far behind is cut off with an error. */
  subscribe<Name extends Topic>(topic: Name, key: string): AsyncIterable<Topics[Name]>;
  close(): Promise<void>;
}

/** Within one process. */
export function createLocalPubSub(): PubSub {
  return over(new EventEmitter());
}

/** Tells the listeners of this process, and by `tellOthers` those of the others. */
function over(emitter: EventEmitter, tellOthers: (name: string, event: unknown) => void = () => {}): PubSub {
  emitter.setMaxListeners(0);
  return {
    publish(topic, key, event) {
      const name = `${topic}:${key}`;
      emitter.emit(name, event);
      tellOthers(name, event);
    },
    subscribe: (topic, key) => repeaterOf(emitter, `${topic}:${key}`) as never,
    close: async () => void emitter.removeAllListeners(),
  };
}

function repeaterOf(emitter: EventEmitter, channel: string): Repeater<unknown> {
  return new Repeater(async (push, stop) => {
    // A push beyond what the repeater holds rejects: the reader is too slow.
    const listener = (event: unknown) => void push(event).catch(stop);
    emitter.on(channel, listener);
    await stop;
    emitter.off(channel, listener);
  });
}

const channel = 'gatehouse:events';

interface Published {
  readonly from: string;
  readonly name: string;
  readonly event: unknown;
}

/** Between processes, by one Redis channel. While Redis is away, within each process. */
export function createRedisPubSub({ commands, subscriber }: RedisConnections): PubSub {
  const emitter = new EventEmitter();
  const from = randomUUID();
  subscriber.on('message', (_, text) => {
    const message = JSON.parse(text) as Published;
    if (message.from !== from) emitter.emit(message.name, message.event);
  });
  // Without a connection it is done as soon as there is one.
  void subscriber.subscribe(channel).catch(() => {});
  return over(emitter, (name, event) => {
    commands.publish(channel, JSON.stringify({ from, name, event } satisfies Published)).catch(() => {});
  });
}
