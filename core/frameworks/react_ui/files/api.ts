// Talks to the JSON API. Every failure becomes an ApiError with a sentence that can be shown, and messages per field.

import type { Row, Values } from './schema';

export interface Problem {
  detail?: string;
  errors?: Record<string, string>;
  registration?: 'first' | 'open' | 'closed'; // with a 401: whether an account can be made
}

export class ApiError extends Error {
  constructor(message: string, readonly status = 0, readonly problem: Problem = {}) {
    super(message);
  }

  /** A message per field. */
  get fields(): Record<string, string> {
    return this.problem.errors ?? {};
  }
}

/** What to show for whatever was thrown: the message of the first field that is wrong, or of the whole. */
export function messageOf(error: unknown): string {
  if (error instanceof ApiError) return Object.values(error.fields)[0] ?? error.message;
  return error instanceof Error ? error.message : String(error);
}

let signInAgain: (() => Promise<void>) | null = null;

/** `ask` resolves when somebody is signed in again; what was refused meanwhile is then sent once more. */
export function whenSignedOut(ask: (() => Promise<void>) | null): void {
  signInAgain = ask;
}

export async function call(method: string, path: string, body?: Values): Promise<Response> {
  try {
    return await send(method, path, body);
  } catch (error) {
    const signedOut = error instanceof ApiError && error.status === 401 && !path.startsWith('auth/');
    if (!signedOut || !signInAgain) throw error;
    await signInAgain();
    return send(method, path, body);
  }
}

async function send(method: string, path: string, body?: Values): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(`/api/${path}`, {
      method,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    });
  } catch {
    throw new ApiError('The server cannot be reached. Check the connection and try again.');
  }
  if (response.ok) return response;
  const problem = ((await response.json().catch(() => null)) ?? {}) as Problem;
  throw new ApiError(problem.detail ?? `The server answered ${response.status}. Try again in a moment.`, response.status, problem);
}

const json = async <T>(response: Promise<Response>) => (await (await response).json()) as T;

export interface Query {
  search?: string;
  filters?: Record<string, string>;
  limit?: number;
  offset?: number;
}

export interface Page { rows: Row[]; total: number }

/** Newest first. */
export async function list(resource: string, { search = '', filters = {}, limit = 100, offset = 0 }: Query = {}): Promise<Page> {
  const query = new URLSearchParams({ ...filters, limit: String(limit), offset: String(offset) });
  if (search) query.set('q', search);
  const response = await call('GET', `${resource}?${query}`);
  const rows = (await response.json()) as Row[];
  return { rows, total: Number(response.headers.get('x-total-count') ?? rows.length) };
}

export const read = (resource: string, id: number) => json<Row>(call('GET', `${resource}/${id}`));
export const create = (resource: string, values: Values) => json<Row>(call('POST', resource, values));
export const update = (resource: string, id: number, values: Values) => json<Row>(call('PATCH', `${resource}/${id}`, values));
export const remove = async (resource: string, id: number): Promise<void> => { await call('DELETE', `${resource}/${id}`); };
