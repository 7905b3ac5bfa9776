// Sessions: a random cookie in the browser, its SHA-256 in the database. Thirty days from the last use.

import { createHash, randomBytes } from 'node:crypto';
import type { NextResponse } from 'next/server';

import { query } from '../db';
import { Refusal } from '../problems';
import type { Registration, User } from './users';

const DAYS = 30;

export class NotSignedIn extends Refusal {
  constructor(detail = 'Sign in first.', members: { registration?: Registration } = {}) {
    super(401, 'Not signed in', detail, { members });
  }
}

/** Whoever is signed in; `ageing` when the session's end is to be moved on. */
export type Visitor = User & { ageing: boolean };

const hashOf = (token: string) => createHash('sha256').update(token).digest();
const isSecure = ({ headers }: Request) => (headers.get('x-forwarded-proto') ?? '').split(',')[0]!.trim() === 'https';

/** With the prefix, no other app below the same domain can set this cookie; browsers take it over https alone. */
const nameOf = (request: Request) => (isSecure(request) ? '__Host-session' : 'session');

function tokenOf(request: Request): string | null {
  const wanted = `${nameOf(request)}=`;
  const cookie = (request.headers.get('cookie') ?? '').split(';').map((part) => part.trim()).find((part) => part.startsWith(wanted));
  const token = cookie?.slice(wanted.length) ?? '';
  return /^[\w-]{43}$/.test(token) ? token : null;
}

function setCookie(request: Request, response: NextResponse, token: string | null): void {
  const options = { httpOnly: true, sameSite: 'lax', path: '/', secure: isSecure(request) } as const;
  response.cookies.set(nameOf(request), token ?? '', { ...options, maxAge: token ? DAYS * 86_400 : 0 });
}

/** Who sent this, or null. */
export async function userOf(request: Request): Promise<Visitor | null> {
  const token = tokenOf(request);
  if (!token) return null;
  const { rows } = await query<Visitor>(
    `SELECT auth_users.id, auth_users.name, auth_users.email, auth_users.is_admin, expires_at < now() + interval '${DAYS - 1} days' AS ageing
      FROM auth_sessions JOIN auth_users ON auth_users.id = user_id WHERE token_hash = $1 AND expires_at > now()`,
    [hashOf(token)],
  );
  return rows[0] ?? null;
}

/** Once a day, move the session's end on. */
export async function keep(request: Request, response: NextResponse, { ageing }: Visitor): Promise<void> {
  const token = tokenOf(request);
  if (!ageing || !token) return;
  try {
    await query(`UPDATE auth_sessions SET expires_at = now() + interval '${DAYS} days' WHERE token_hash = $1`, [hashOf(token)]);
    setCookie(request, response, token);
  } catch (error) {
    // A database that is full takes no changes; whoever is signed in must still be able to delete something.
    if ((error as { code?: string }).code !== '42501') throw error;
  }
}

/** Sign in: a new session in place of the one that the browser had. */
export async function begin(request: Request, response: NextResponse, { id }: User): Promise<void> {
  await forget(request);
  await query('DELETE FROM auth_sessions WHERE expires_at < now()');
  const token = randomBytes(32).toString('base64url');
  await query(`INSERT INTO auth_sessions (token_hash, user_id, expires_at) VALUES ($1, $2, now() + interval '${DAYS} days')`, [hashOf(token), id]);
  setCookie(request, response, token);
}

/** Sign out. */
export async function end(request: Request, response: NextResponse): Promise<void> {
  await forget(request);
  setCookie(request, response, null);
}

async function forget(request: Request): Promise<void> {
  const token = tokenOf(request);
  if (token) await query('DELETE FROM auth_sessions WHERE token_hash = $1', [hashOf(token)]);
}
