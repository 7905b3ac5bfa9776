// Signing up, in and out: POST register, login and logout, GET me.

import { NextResponse } from 'next/server';

import { acceptable, countTry, forgiveTries, hashed, matches } from '@/lib/auth/passwords';
import { begin, end, keep, NotSignedIn, userOf } from '@/lib/auth/sessions';
import { add, Closed, registration, shown, withAddress } from '@/lib/auth/users';
import { bodyOf } from '@/lib/crud';
import * as fields from '@/lib/fields';
import { Invalid, NotFound } from '@/lib/problems';
import { route } from '@/lib/routing';

type Context = { params: Promise<{ action: string }> };
type Action = (request: Request) => Promise<NextResponse>;
type Parse = (value: unknown) => string;

function shorter(field: fields.Field, longest: number): Parse {
  return (value) => {
    const text = String(field.parse(value));
    if ([...text].length > longest) throw new TypeError(`Give at most ${longest} characters.`);
    return text;
  };
}

const name = shorter(fields.line(), 100);
const email = shorter(fields.email(), 254);
const address = shorter(fields.line(), 254); // whatever was typed to sign in

function anyPassword(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('Give a text.');
  return value.slice(0, 1000);
}

async function sent<Name extends string>(request: Request, wanted: Record<Name, Parse>): Promise<Record<Name, string>> {
  const body = await bodyOf(request);
  const values: Record<string, string> = {};
  const errors: Record<string, string> = {};
  for (const [field, parse] of Object.entries<Parse>(wanted)) {
    const value = Object.hasOwn(body, field) ? body[field] : null;
    try {
      if (value === null || (typeof value === 'string' && value.trim() === '')) throw new TypeError('This is needed.');
      values[field] = parse(value);
    } catch (error) {
      errors[field] = (error as Error).message;
    }
  }
  if (Object.keys(errors).length > 0) throw new Invalid(errors);
  return values;
}

async function register(request: Request): Promise<NextResponse> {
  const given = await sent(request, { name, email, password: acceptable });
  if ((await registration()) === 'closed') throw new Closed();
  const user = await add(given.name, given.email, await hashed(given.password));
  const response = NextResponse.json(shown(user), { status: 201 });
  await begin(request, response, user);
  return response;
}

/** The same answer, after the same time, for a wrong password and an address that nobody has. */
async function login(request: Request): Promise<NextResponse> {
  const given = await sent(request, { email: address, password: anyPassword });
  await countTry(given.email);
  const user = await withAddress(given.email);
  const right = await matches(given.password, user?.password_hash);
  if (!user || !right) throw new NotSignedIn('The address or the password is wrong.');
  await forgiveTries(given.email);
  const response = NextResponse.json(shown(user));
  await begin(request, response, user);
  return response;
}

async function logout(request: Request): Promise<NextResponse> {
  const response = new NextResponse(null, { status: 204 });
  await end(request, response);
  return response;
}

/** Whoever is not signed in learns whether an account can be made. */
async function me(request: Request): Promise<NextResponse> {
  const user = await userOf(request);
  if (!user) throw new NotSignedIn('Sign in first.', { registration: await registration() });
  const response = NextResponse.json(shown(user));
  await keep(request, response, user);
  return response;
}

const answers = (actions: Record<string, Action>) => route(async (request, { params }: Context) => {
  const { action } = await params;
  if (!Object.hasOwn(actions, action)) throw new NotFound('There is nothing at this address.');
  return actions[action]!(request);
});

export const GET = answers({ me });
export const POST = answers({ register, login, logout });
