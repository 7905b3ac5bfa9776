// Accounts. The first to register is the administrator.

import { database } from '../db.js';
import { Invalid } from '../problems.js';

/** Nobody else can make an account. */
export class Closed extends Error {
  constructor() {
    super('No new accounts can be made here. Ask the administrator of this app.');
  }
}

const isClosed = () => process.env.REGISTRATION === 'closed';

/** "first" while there is no account, then "open" or "closed". */
export async function registration() {
  const { rows } = await database.query('SELECT EXISTS (SELECT FROM auth_users) AS taken');
  if (!rows[0].taken) return 'first';
  return isClosed() ? 'closed' : 'open';
}

/** Make an account; throws Closed, or Invalid where the address has one. */
export async function add(name, email, passwordHash) {
  for (;;) {
    const { rows } = await database.query(
      `INSERT INTO auth_users (name, email, password_hash, is_admin, founder)
        SELECT $1, $2, $3, NOT taken, CASE WHEN NOT taken THEN true END FROM (SELECT EXISTS (SELECT FROM auth_users) AS taken) AS accounts
        WHERE NOT (taken AND $4) ON CONFLICT DO NOTHING RETURNING id, name, email, is_admin`,
      [name, email, passwordHash, isClosed()],
    );
    if (rows.length > 0) return rows[0];
    if ((await registration()) === 'closed') throw new Closed();
    if (await withAddress(email)) throw new Invalid({ email: 'There is an account with this address already.' });
    // Somebody else was first at the same moment: once more, as the second.
  }
}

/** The account with this address, with its password's hash; or undefined. */
export async function withAddress(email) {
  const { rows } = await database.query('SELECT id, name, email, is_admin, password_hash FROM auth_users WHERE lower(email) = lower($1)', [email]);
  return rows[0];
}
