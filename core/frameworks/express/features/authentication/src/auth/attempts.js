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

/** Note a try before the password is looked at, so that tries at the same time are counted too; throws TooMany. */
export async function count(email) {
  await database.query(`DELETE FROM auth_attempts WHERE tried_at < now() - ${WINDOW}`);
  const noted = await database.query(`INSERT INTO auth_attempts (address_hash) VALUES (${ADDRESS}) RETURNING id`, [email]);
  const { rows } = await database.query(
    `SELECT count(*) AS tries, ceil(extract(epoch FROM min(tried_at) + ${WINDOW} - now())) AS seconds
      FROM auth_attempts WHERE address_hash = ${ADDRESS} AND tried_at > now() - ${WINDOW}`,
    [email],
  );
  if (rows[0].tries <= MOST) return;
  await database.query('DELETE FROM auth_attempts WHERE id = $1', [noted.rows[0].id]); // or the wait would never end
  throw new TooMany(Math.max(1, Number(rows[0].seconds)));
}

/** The password was right. */
export async function forgive(email) {
  await database.query(`DELETE FROM auth_attempts WHERE address_hash = ${ADDRESS}`, [email]);
}
