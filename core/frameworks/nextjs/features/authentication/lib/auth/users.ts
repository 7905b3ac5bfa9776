// Accounts. The first to register is the administrator.

import { query } from '../db';
import { Invalid, Refusal } from '../problems';

export type User = { id: number; name: string; email: string; is_admin: boolean };
export type Registration = 'first' | 'open' | 'closed';

/** Nobody else can make an account. */
export class Closed extends Refusal {
  constructor() {
    super(403, 'Closed', 'No new accounts can be made here. Ask the administrator of this app.');
  }
}

const isClosed = () => process.env.REGISTRATION === 'closed';

/** "first" while there is no account, then "open" or "closed". */
export async function registration(): Promise<Registration> {
  const { rows } = await query<{ taken: boolean }>('SELECT EXISTS (SELECT FROM auth_users) AS taken');
  if (!rows[0]!.taken) return 'first';
  return isClosed() ? 'closed' : 'open';
}

/** Make an account; throws Closed, or Invalid where the address has one. */
export async function add(name: string, email: string, passwordHash: string): Promise<User> {
  for (;;) {
    const { rows } = await query<User>(
      `INSERT INTO auth_users (name, email, password_hash, is_admin, founder)
        SELECT $1, $2, $3, NOT taken, CASE WHEN NOT taken THEN true END FROM (SELECT EXISTS (SELECT FROM auth_users) AS taken) AS accounts
        WHERE NOT (taken AND $4) ON CONFLICT DO NOTHING RETURNING id, name, email, is_admin`,
      [name, email, passwordHash, isClosed()],
    );
    if (rows[0]) return rows[0];
    if ((await registration()) === 'closed') throw new Closed();
    if (await withAddress(email)) throw new Invalid({ email: 'There is an account with this address already.' });
    // Somebody else was first at the same moment: once more, as the second.
  }
}

/** The account with this address, with its password's hash. */
export async function withAddress(email: string): Promise<(User & { password_hash: string }) | undefined> {
  const { rows } = await query<User & { password_hash: string }>(
    'SELECT id, name, email, is_admin, password_hash FROM auth_users WHERE lower(email) = lower($1)',
    [email],
  );
  return rows[0];
}

/** What a client is told. */
export const shown = ({ id, name, email, is_admin }: User): User => ({ id, name, email, is_admin });
