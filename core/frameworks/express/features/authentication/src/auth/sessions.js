// Sessions: a random cookie in the browser, its SHA-256 in the database. Thirty days from the last use.

import { createHash, randomBytes } from 'node:crypto';

import { database } from '../db.js';

const DAYS = 30;
const USER = 'auth_users.id, auth_users.name, auth_users.email, auth_users.is_admin';

const hashOf = (token) => createHash('sha256').update(token).digest();
const isSecure = (request) => (request.get('x-forwarded-proto') ?? '').split(',')[0].trim() === 'https';

/** With the prefix, no other app below the same domain can set this cookie; browsers take it over https alone. */
const nameOf = (request) => (isSecure(request) ? '__Host-session' : 'session');

function tokenOf(request) {
  const wanted = `${nameOf(request)}=`;
  const cookie = (request.get('cookie') ?? '').split(';').map((part) => part.trim()).find((part) => part.startsWith(wanted));
  const token = cookie?.slice(wanted.length) ?? '';
  return /^[\w-]{43}$/.test(token) ? token : null;
}

function setCookie(request, response, token) {
  const options = { httpOnly: true, sameSite: 'lax', path: '/', secure: isSecure(request) };
  if (token) response.cookie(nameOf(request), token, { ...options, maxAge: DAYS * 86_400_000 });
  else response.clearCookie(nameOf(request), options);
}

/** Sign in: a new session in place of the one that the browser had. */
export async function begin(request, response, user) {
  await forget(request);
  await database.query('DELETE FROM auth_sessions WHERE expires_at < now()');
  const token = randomBytes(32).toString('base64url');
  await database.query(`INSERT INTO auth_sessions (token_hash, user_id, expires_at) VALUES ($1, $2, now() + interval '${DAYS} days')`, [hashOf(token), user.id]);
  setCookie(request, response, token);
}

/** Who is signed in, or null. Once a day the session's end is moved on. */
export async function current(request, response) {
  const token = tokenOf(request);
  if (!token) return null;
  const { rows } = await database.query(
    `SELECT ${USER}, expires_at < now() + interval '${DAYS - 1} days' AS ageing FROM auth_sessions JOIN auth_users ON auth_users.id = user_id
      WHERE token_hash = $1 AND expires_at > now()`,
    [hashOf(token)],
  );
  if (rows.length === 0) return null;
  const { ageing, ...user } = rows[0];
  if (ageing) await renew(request, response, token);
  return user;
}

async function renew(request, response, token) {
  try {
    await database.query(`UPDATE auth_sessions SET expires_at = now() + interval '${DAYS} days' WHERE token_hash = $1`, [hashOf(token)]);
    setCookie(request, response, token);
  } catch (error) {
    // A database that is full takes no changes; whoever is signed in must still be able to delete something.
    if (error.code !== '42501') throw error;
  }
}

async function forget(request) {
  const token = tokenOf(request);
  if (token) await database.query('DELETE FROM auth_sessions WHERE token_hash = $1', [hashOf(token)]);
}

/** Sign out. */
export async function end(request, response) {
  await forget(request);
  setCookie(request, response, null);
}
