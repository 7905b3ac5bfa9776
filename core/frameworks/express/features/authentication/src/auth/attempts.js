// How often a password may be guessed. Kept in the database, because several instances of the app may run.

import { database } from '../db.js';

const MOST = 10;
const WINDOW = "interval '15 minutes'";
const ADDRESS = "sha256(convert_to(lower($1), 'UTF8'))";

/** Too many tries. */
export class TooMany extends Error {
  constructor(seconds) {
    super(`Too many wrong passwords for this address. Try again in ${Math.ceil(seconds / 60)} min.`);
    this.seconds = seconds;
  }
}

/** Note a try before the password is looked at, in one statement, so that tries at the same time are counted too; throws TooMany. */
export async function count(email) {
  await database.query(`DELETE FROM auth_attempts WHERE last_tried < now() - ${WINDOW}`);
  const noted = await database.query(
    `INSERT INTO auth_attempts AS kept (address_hash, tried, last_tried) VALUES (${ADDRESS}, ARRAY[now()], now())
      ON CONFLICT (address_hash) DO UPDATE SET tried = (kept.tried || now())[cardinality(kept.tried) - ${MOST - 2}:], last_tried = now()
      WHERE cardinality(kept.tried) < ${MOST} OR kept.tried[1] < now() - ${WINDOW} RETURNING address_hash`,
    [email],
  );
  if (noted.rows.length > 0) return;
  const { rows } = await database.query(`SELECT ceil(extract(epoch FROM tried[1] + ${WINDOW} - now())) AS seconds FROM auth_attempts WHERE address_hash = ${ADDRESS}`, [email]);
  throw new TooMany(Math.max(1, Number(rows[0]?.seconds ?? 1)));
}

/** The password was right. */
export async function forgive(email) {
  await database.query(`DELETE FROM auth_attempts WHERE address_hash = ${ADDRESS}`, [email]);
}
