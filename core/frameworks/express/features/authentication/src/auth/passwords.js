// Passwords are kept as scrypt hashes, each with a salt and its parameters: scrypt$N$r$p$salt$hash.

import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

import { Invalid } from '../problems.js';

export const SHORTEST = 10;
export const LONGEST = 200;
const COST = { N: 16_384, r: 8, p: 5 }; // 16 MB; what OWASP recommends for this much memory

/** The same characters typed on another keyboard give the same bytes. */
const bytesOf = (password) => Buffer.from(password.normalize('NFKC'), 'utf8');

// Node has four threads for work like this, and new connections to the database need them too: two for passwords, the rest waits.
const AT_ONCE = 2;
const waiting = [];
let running = 0;

async function derive(password, salt, cost, length = 32) {
  if (running >= AT_ONCE) await new Promise((resolve) => { waiting.push(resolve); });
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

/** A new password, or a sentence about what is wrong with it. */
export function acceptable(password) {
  if (typeof password !== 'string' || password === '') throw new Invalid({ password: 'This is needed.' });
  if (!password.isWellFormed()) throw new Invalid({ password: 'That text has characters that cannot be kept.' });
  const { length } = [...password];
  if (length < SHORTEST) throw new Invalid({ password: `Use at least ${SHORTEST} characters.` });
  if (length > LONGEST) throw new Invalid({ password: `Use at most ${LONGEST} characters.` });
  return password;
}

export async function hashed(password) {
  const salt = randomBytes(16);
  return written(salt, await derive(password, salt, COST));
}

const written = (salt, key) => ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64'), key.toString('base64')].join('$');
const NOBODY = written(randomBytes(16), randomBytes(32)); // no password has this hash

/** Whether this is the password. Without a hash, as for an address that nobody has, it takes as long and says no. */
export async function matches(password, hash) {
  const [, N, r, p, salt, expected] = (hash ?? NOBODY).split('$');
  const known = Buffer.from(expected, 'base64');
  const key = await derive(password, Buffer.from(salt, 'base64'), { N: Number(N), r: Number(r), p: Number(p) }, known.length);
  return timingSafeEqual(key, known) && hash !== undefined;
}
