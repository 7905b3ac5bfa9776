// The database: one pool on DATABASE_URL, opened at the first query. A lost connection is replaced by the next query.

import { Pool, types, type QueryResult, type QueryResultRow } from 'pg';

types.setTypeParser(types.builtins.INT8, Number);
types.setTypeParser(types.builtins.NUMERIC, Number);
types.setTypeParser(types.builtins.DATE, String);
types.setTypeParser(types.builtins.TIMESTAMPTZ, (text) => new Date(text).toISOString());

/** The database cannot be reached; the text says why. */
export class Unreachable extends Error {}

const UNREACHABLE = /^(ECONN|EHOSTUNREACH|ENETUNREACH|EACCES|ENOENT|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EPIPE|(08|53|57)...$)/;

// Kept on the global object: every route is a bundle of its own, and there is to be one pool for all of them.
const kept = globalThis as typeof globalThis & { pool?: Pool };

function pool(): Pool {
  if (!kept.pool) {
    kept.pool = new Pool({
      connectionString: process.env.DATABASE_URL,
      max: 8,
      connectionTimeoutMillis: 5_000,
      query_timeout: 20_000,
      idleTimeoutMillis: 60_000,
      allowExitOnIdle: true,
    });
    // Without a listener an idle connection that the server closes would end the process.
    kept.pool.on('error', (error) => console.error(`A database connection was lost: ${error.message}`));
  }
  return kept.pool;
}

/** Run one statement. Values go in as parameters ($1, $2, …), never into the text. */
export async function query<Row extends QueryResultRow = QueryResultRow>(text: string, values: unknown[] = []): Promise<QueryResult<Row>> {
  try {
    return await pool().query<Row>(text, values);
  } catch (error) {
    // Told apart here, because elsewhere ENOENT is a file and ETIMEDOUT another service.
    const { code = '', message } = error as Error & { code?: string };
    if (!UNREACHABLE.test(code) && !/timeout|terminated|Connection/.test(message)) throw error;
    throw new Unreachable(message || code, { cause: error });
  }
}
