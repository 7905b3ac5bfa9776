// Signing in and out, and the guard: without a session nothing below /api answers but what is needed to get one.

import express from 'express';

import * as fields from '../fields.js';
import { Invalid } from '../problems.js';
import { TooMany, count, forgive } from './attempts.js';
import { acceptable, hashed, matches } from './passwords.js';
import * as sessions from './sessions.js';
import * as users from './users.js';

const SAFE = ['GET', 'HEAD', 'OPTIONS'];
const OPEN = ['/auth/login', '/auth/register', '/auth/logout', '/auth/me'];

function problem(response, status, title, detail, more = {}) {
  response.status(status).type('application/problem+json').send(JSON.stringify({ type: 'about:blank', title, status, detail, ...more }));
}

/** Whether a page of another site (another app below the same domain, too) has the browser send this. */
function isForeign(request) {
  const site = request.get('sec-fetch-site');
  if (site) return site !== 'same-origin' && site !== 'none';
  const origin = request.get('origin');
  if (!origin) return false; // not a browser
  try {
    return new URL(origin).host !== request.get('host');
  } catch {
    return true;
  }
}

async function guard(request, response, next) {
  if (!SAFE.includes(request.method) && isForeign(request)) {
    return problem(response, 403, 'Refused', 'This was sent by a page of another site. Use the app’s own page.');
  }
  if (OPEN.includes(request.path)) return next();
  request.user = await sessions.current(request, response);
  return request.user ? next() : unknown(response);
}

const unknown = (response, more) => problem(response, 401, 'Not signed in', 'Sign in first.', more);

function checked(body, wanted) {
  if (body === null || typeof body !== 'object') throw new Invalid(Object.fromEntries(Object.keys(wanted).map((name) => [name, 'This is needed.'])));
  const values = {};
  const errors = {};
  for (const [name, parse] of Object.entries(wanted)) {
    const value = body[name];
    try {
      if (value === undefined || value === null || (typeof value === 'string' && value.trim() === '')) throw new TypeError('This is needed.');
      values[name] = parse(value);
    } catch (error) {
      errors[name] = error instanceof Invalid ? error.fields[name] : error.message;
    }
  }
  if (Object.keys(errors).length > 0) throw new Invalid(errors);
  return values;
}

function shorter(parse, longest) {
  return (value) => {
    const text = parse(value);
    if ([...text].length > longest) throw new TypeError(`Give at most ${longest} characters.`);
    return text;
  };
}

const name = shorter(fields.line().parse, 100);
const email = shorter(fields.email().parse, 254);
const address = shorter(fields.line().parse, 254); // whatever was typed to sign in

function anyPassword(value) {
  if (typeof value !== 'string') throw new TypeError('Give a text.');
  return value.slice(0, 1000);
}

const shown = ({ id, name, email, is_admin }) => ({ id, name, email, is_admin });

async function register(request, response) {
  const sent = checked(request.body, { name, email, password: acceptable });
  if ((await users.registration()) === 'closed') throw new users.Closed();
  const user = await users.add(sent.name, sent.email, await hashed(sent.password));
  await sessions.begin(request, response, user);
  response.status(201).json(shown(user));
}

/** The same answer, after the same time, for a wrong password and an address that nobody has. */
async function login(request, response) {
  const sent = checked(request.body, { email: address, password: anyPassword });
  await count(sent.email);
  const user = await users.withAddress(sent.email);
  if (!(await matches(sent.password, user?.password_hash))) {
    return problem(response, 401, 'Not signed in', 'The address or the password is wrong.');
  }
  await forgive(sent.email);
  await sessions.begin(request, response, user);
  return response.json(shown(user));
}

async function logout(request, response) {
  await sessions.end(request, response);
  response.status(204).end();
}

async function me(request, response) {
  const user = await sessions.current(request, response);
  if (user) response.json(shown(user));
  else unknown(response, { registration: await users.registration() });
}

function refused(error, request, response, next) {
  if (error instanceof TooMany) {
    response.set('retry-after', String(error.seconds));
    return problem(response, 429, 'Too many tries', error.message);
  }
  return error instanceof users.Closed ? problem(response, 403, 'Closed', error.message) : next(error);
}

/** Put before the app's resources. */
export function authentication(app) {
  const router = express.Router();
  router.post('/register', register).post('/login', login).post('/logout', logout).get('/me', me).use(refused);
  app.use('/api', (request, response, next) => { response.set('cache-control', 'no-store'); next(); }, guard);
  app.use('/api/auth', router);
}
