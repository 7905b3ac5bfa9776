// Talks to the JSON API. Every failure becomes an ApiError with a sentence that can be shown, and messages per field.

import type { Filters, Row, Values } from './schema';

/** What the server says of a failure. */
export interface Problem {
  detail?: string;
  /** A message per field. */
  errors?: Record<string, string>;
  /** With a 401: whether an account can be made, or has to be, because there is none. */
  registration?: 'first' | 'open' | 'closed';
}

export class ApiError extends Error {
  constructor(
    message: string,
    readonly status = 0,
    readonly problem: Problem = {},
  ) {
    super(message);
  }

  get fields(): Record<string, string> {
    return this.problem.errors ?? {};
  }

  /** The message of the first field that is wrong, else that of the whole. */
  get sentence(): string {
    return Object.values(this.fields)[0] ?? this.message;
  }
}

/** Whatever was thrown, as an ApiError. What is none was not foreseen, and is logged. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  console.error(error);
  return new ApiError('Something went wrong on this page. Load it again.');
}

let signInAgain: (() => Promise<void>) | null = null;

/** `ask` resolves when somebody is signed in again; what was refused meanwhile is then sent once more. */
export function whenSignedOut(ask: () => Promise<void>): void {
  signInAgain = ask;
}

/** `path` is below /api/. */
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
  const problem: Problem = (await response.json().catch(() => null)) ?? {};
  throw new ApiError(problem.detail ?? `The server answered ${response.status}. Try again in a moment.`, response.status, problem);
}

export async function json<T>(method: string, path: string, body?: Values): Promise<T> {
  return (await call(method, path, body)).json();
}

export interface Query {
  search?: string;
  filters?: Filters;
  limit?: number;
  offset?: number;
}

/** Newest first. */
export async function list(resource: string, { search = '', filters = {}, limit = 100, offset = 0 }: Query = {}): Promise<{ rows: Row[]; total: number }> {
  const query = new URLSearchParams({ ...filters, limit: String(limit), offset: String(offset) });
  if (search) query.set('q', search);
  const response = await call('GET', `${resource}?${query}`);
  const rows: Row[] = await response.json();
  return { rows, total: Number(response.headers.get('x-total-count') ?? rows.length) };
}

export const read = (resource: string, id: number) => json<Row>('GET', `${resource}/${id}`);
export const create = (resource: string, values: Values) => json<Row>('POST', resource, values);
export const update = (resource: string, id: number, values: Values) => json<Row>('PATCH', `${resource}/${id}`, values);
export const remove = (resource: string, id: number) => call('DELETE', `${resource}/${id}`);
