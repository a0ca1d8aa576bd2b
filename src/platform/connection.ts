import pg from 'pg';

/**
 * Works on one connection of its own and closes it. A connection that breaks off fails the statement under way, or the next
 * one, and nothing else: without a listener it would end the process.
 */
export async function withConnection<T>(databaseUrl: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: databaseUrl });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
