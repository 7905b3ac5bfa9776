// The guard: without a session nothing below /api answers but what is needed to get one. It runs before every request.

import { NextResponse, type NextRequest } from 'next/server';

import { keep, NotSignedIn, userOf } from '@/lib/auth/sessions';
import { problem, Refusal } from '@/lib/problems';

const SAFE = ['GET', 'HEAD', 'OPTIONS'];
const OPEN = ['/api/auth/login', '/api/auth/register', '/api/auth/logout', '/api/auth/me'];

/** Whether a page of another site (another app below the same domain, too) has the browser send this. */
function isForeign({ headers }: Request): boolean {
  const site = headers.get('sec-fetch-site');
  if (site) return site !== 'same-origin' && site !== 'none';
  const origin = headers.get('origin');
  if (!origin) return false; // not a browser
  return URL.parse(origin)?.host !== headers.get('host');
}

async function guarded(request: NextRequest): Promise<NextResponse> {
  if (!SAFE.includes(request.method) && isForeign(request)) {
    throw new Refusal(403, 'Refused', 'This was sent by a page of another site. Use the app’s own page.');
  }
  const response = NextResponse.next();
  if (OPEN.includes(request.nextUrl.pathname)) return response;
  const user = await userOf(request);
  if (!user) throw new NotSignedIn();
  await keep(request, response, user);
  return response;
}

export async function proxy(request: NextRequest): Promise<Response> {
  return isPublic(request.nextUrl.pathname) ? NextResponse.next() : guarded(request).catch(problem);
}

/** However it is written: what cannot be decoded is not public. */
function isPublic(pathname: string): boolean {
  try {
    return !/^\/+api(\/|$)/i.test(decodeURIComponent(pathname));
  } catch {
    return false;
  }
}
