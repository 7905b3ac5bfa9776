// The database: one pool on DATABASE_URL, opened at the first query. A lost connection is replaced by the next query.

import pg from 'pg';

const { types } = pg;
types.setTypeParser(types.builtins.INT8, Number);
types.setTypeParser(types.builtins.NUMERIC, Number);
types.setTypeParser(types.builtins.DATE, String);
types.setTypeParser(types.builtins.TIMESTAMPTZ, (text) => new Date(text).toISOString());

/** The database cannot be reached; the text says why. */
export class Unreachable extends Error {}

const UNREACHABLE = /^(ECONN|EHOSTUNREACH|ENETUNREACH|EACCES|ENOENT|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EPIPE|(08|53|57)...$)/;

class Database extends pg.Pool {
  /** Told apart here, because elsewhere ENOENT is a file and ETIMEDOUT another service. */
  async query(...statement) {
    try {
      return await super.query(...statement);
    } catch (error) {
      if (!UNREACHABLE.test(error.code ?? '') && !/timeout|terminated|Connection/.test(error.message)) throw error;
      throw new Unreachable(error.message || error.code, { cause: error });
    }
  }
}

export const database = new Database({
  connectionString: process.env.DATABASE_URL,
  max: 8,
  connectionTimeoutMillis: 5_000,
  query_timeout: 20_000,
  idleTimeoutMillis: 60_000,
  allowExitOnIdle: true,
});

// Without a listener an idle connection that the server closes would end the process.
database.on('error', (error) => console.error(`A database connection was lost: ${error.message}`));
