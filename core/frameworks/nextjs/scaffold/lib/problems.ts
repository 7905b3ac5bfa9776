// Errors as problem documents (RFC 9457). Validation errors have a message per field under "errors".

import { Unreachable } from './db';

interface More {
  headers?: Record<string, string>;
  /** Further members of the document. */
  members?: Record<string, unknown>;
}

/** An answer that is no success, and no fault of the app. */
export class Refusal extends Error {
  constructor(readonly status: number, readonly title: string, detail: string, readonly more: More = {}) {
    super(detail);
  }
}

export class NotFound extends Refusal {
  constructor(detail: string) {
    super(404, 'Not found', detail);
  }
}

export class NotUnderstood extends Refusal {
  constructor(detail: string, status = 400) {
    super(status, 'Not understood', detail);
  }
}

export class Invalid extends Error {
  /** @param fields a message per field */
  constructor(readonly fields: Record<string, string>) {
    super(`Some fields need attention: ${Object.keys(fields).join(', ')}.`);
  }
}

interface Problem {
  status: number;
  title: string;
  detail: string;
  errors?: Record<string, string>;
  [member: string]: unknown;
}

function describe(error: unknown): Problem {
  if (error instanceof Refusal) return { status: error.status, title: error.title, detail: error.message, ...error.more.members };
  if (error instanceof Invalid) return { status: 422, title: 'Not valid', detail: error.message, errors: error.fields };
  const { code = '', detail = '' } = (error ?? {}) as { code?: unknown; detail?: unknown };
  if (code === '23503') {
    const field = /Key \("?(.+?)"?\)=/.exec(String(detail))?.[1];
    const errors = field ? { [field]: 'There is no such record (any more).' } : {};
    return { status: 422, title: 'Not valid', detail: 'A record that this one points to is gone.', errors };
  }
  if (code === '42501') {
    return { status: 507, title: 'Full', detail: 'The database takes no new data, because its storage is used up. Delete something first.' };
  }
  if (/^2[23]/.test(String(code))) return { status: 422, title: 'Not valid', detail: 'The database does not accept these values.' };
  console.error(error);
  if (error instanceof Unreachable) {
    return { status: 503, title: 'Try again', detail: 'The database does not answer at the moment. Try again shortly.' };
  }
  return { status: 500, title: 'Failed', detail: 'Something went wrong in the app; its log says what.' };
}

export function problem(error: unknown): Response {
  const { status, title, detail, ...members } = describe(error);
  const headers = error instanceof Refusal ? error.more.headers : {};
  return Response.json(
    { type: 'about:blank', title, status, detail, ...members },
    { status, headers: { 'content-type': 'application/problem+json', ...headers } },
  );
}
