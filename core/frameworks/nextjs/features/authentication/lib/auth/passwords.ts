// Passwords are kept as scrypt hashes, each with a salt and its parameters: scrypt$N$r$p$salt$hash. They may be guessed ten times in a
// quarter of an hour, which is counted in the database, because several instances of the app may run.

import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

import { query } from '../db';
import { Refusal } from '../problems';

const SHORTEST = 10;
const LONGEST = 200;
const COST = { N: 16_384, r: 8, p: 5 }; // 16 MB; what OWASP recommends for this much memory

/** The same characters typed on another keyboard give the same bytes. */
const bytesOf = (password: string) => Buffer.from(password.normalize('NFKC'), 'utf8');

// Node has four threads for work like this, and new connections to the database need them too: two for passwords, the rest waits.
const AT_ONCE = 2;
const waiting: (() => void)[] = [];
let running = 0;

async function derive(password: string, salt: Buffer, cost: typeof COST, length = 32): Promise<Buffer> {
  if (running >= AT_ONCE) await new Promise<void>((resolve) => { waiting.push(resolve); });
  else running += 1;
  try {
    return await new Promise((resolve, reject) => {
      scrypt(bytesOf(password), salt, length, { ...cost, maxmem: 256 * cost.N * cost.r }, (error, key) => (error ? reject(error) : resolve(key)));
    });
  } finally {
    const next = waiting.shift();
    if (next) next(); // its place goes to who waits
    else running -= 1;
  }
}

/** A new password; throws a sentence about what is wrong with it. */
export function acceptable(password: unknown): string {
  if (typeof password !== 'string') throw new TypeError('Give a text.');
  if (!password.isWellFormed()) throw new TypeError('That text has characters that cannot be kept.');
  const { length } = [...password];
  if (length < SHORTEST) throw new TypeError(`Use at least ${SHORTEST} characters.`);
  if (length > LONGEST) throw new TypeError(`Use at most ${LONGEST} characters.`);
  return password;
}

export async function hashed(password: string): Promise<string> {
  const salt = randomBytes(16);
  return written(salt, await derive(password, salt, COST));
}

const written = (salt: Buffer, key: Buffer) => ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64'), key.toString('base64')].join('$');
const NOBODY = written(randomBytes(16), randomBytes(32)); // no password has this hash

/** Whether this is the password. Without a hash, as for an address that nobody has, it takes as long and says no. */
export async function matches(password: string, hash?: string): Promise<boolean> {
  const [, N, r, p, salt = '', expected = ''] = (hash ?? NOBODY).split('$');
  const known = Buffer.from(expected, 'base64');
  const key = await derive(password, Buffer.from(salt, 'base64'), { N: Number(N), r: Number(r), p: Number(p) }, known.length);
  return timingSafeEqual(key, known) && hash !== undefined;
}

const MOST = 10;
const WINDOW = "interval '15 minutes'";
const ADDRESS = "sha256(convert_to(lower($1), 'UTF8'))";

export class TooMany extends Refusal {
  constructor(seconds: number) {
    const detail = `Too many wrong passwords for this address. Try again in ${Math.ceil(seconds / 60)} min.`;
    super(429, 'Too many tries', detail, { headers: { 'retry-after': String(seconds) } });
  }
}

/** Note a try before the password is looked at, in one statement, so that tries at the same time are counted too; throws TooMany. */
export async function countTry(email: string): Promise<void> {
  await query(`DELETE FROM auth_attempts WHERE last_tried < now() - ${WINDOW}`);
  const noted = await query(
    `INSERT INTO auth_attempts AS kept (address_hash, tried, last_tried) VALUES (${ADDRESS}, ARRAY[now()], now())
      ON CONFLICT (address_hash) DO UPDATE SET tried = (kept.tried || now())[cardinality(kept.tried) - ${MOST - 2}:], last_tried = now()
      WHERE cardinality(kept.tried) < ${MOST} OR kept.tried[1] < now() - ${WINDOW} RETURNING address_hash`,
    [email],
  );
  if (noted.rows.length > 0) return;
  const { rows } = await query<{ seconds: number }>(
    `SELECT ceil(extract(epoch FROM tried[1] + ${WINDOW} - now())) AS seconds FROM auth_attempts WHERE address_hash = ${ADDRESS}`,
    [email],
  );
  throw new TooMany(Math.max(1, rows[0]?.seconds ?? 1));
}

/** The password was right. */
export async function forgiveTries(email: string): Promise<void> {
  await query(`DELETE FROM auth_attempts WHERE address_hash = ${ADDRESS}`, [email]);
}
