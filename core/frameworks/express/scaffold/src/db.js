// The database: one pool on DATABASE_URL, opened at the first query. A lost connection is replaced by the next query.

import pg from 'pg';

const { types } = pg;
types.setTypeParser(types.builtins.INT8, Number);
types.setTypeParser(types.builtins.NUMERIC, Number);
types.setTypeParser(types.builtins.DATE, String);
types.setTypeParser(types.builtins.TIMESTAMPTZ, (text) => new Date(text).toISOString());

export const database = new pg.Pool({
  connectionString: process.env.DATABASE_URL,
  max: 8,
  connectionTimeoutMillis: 5_000,
  query_timeout: 20_000,
  idleTimeoutMillis: 60_000,
  allowExitOnIdle: true,
});

// Without a listener an idle connection that the server closes would end the process.
database.on('error', (error) => console.error(`A database connection was lost: ${error.message}`));
