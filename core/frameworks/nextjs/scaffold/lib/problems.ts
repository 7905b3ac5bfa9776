// Errors as problem documents (RFC 9457). Validation errors have a message per field under "errors".

import { Unreachable } from './db';

export class NotFound extends Error {}

/** The request cannot be used; the text says what to send. */
export class NotUnderstood extends Error {
  constructor(message: string, readonly status = 400) {
    super(message);
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
}

function describe(error: unknown): Problem {
  if (error instanceof NotFound) return { status: 404, title: 'Not found', detail: error.message };
  if (error instanceof Invalid) return { status: 422, title: 'Not valid', detail: error.message, errors: error.fields };
  if (error instanceof NotUnderstood) return { status: error.status, title: 'Not understood', detail: error.message };
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
  const { status, title, detail, errors } = describe(error);
  return Response.json({ type: 'about:blank', title, status, detail, errors }, { status, headers: { 'content-type': 'application/problem+json' } });
}
