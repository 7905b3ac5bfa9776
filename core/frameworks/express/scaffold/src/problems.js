// Errors as problem documents (RFC 9457). Validation errors have a message per field under "errors".

import { Unreachable } from './db.js';

export class NotFound extends Error {}

export class Invalid extends Error {
  /** @param {Record<string, string>} fields a message per field */
  constructor(fields) {
    super(`Some fields need attention: ${Object.keys(fields).join(', ')}.`);
    this.fields = fields;
  }
}

function describe(error) {
  if (error instanceof NotFound) return { status: 404, title: 'Not found', detail: error.message };
  if (error instanceof Invalid) return { status: 422, title: 'Not valid', detail: error.message, errors: error.fields };
  if (error.status >= 400 && error.status < 500) {
    const detail = error.type === 'entity.parse.failed' ? 'Send a JSON object.' : 'The request cannot be used as it is.';
    return { status: error.status, title: 'Not understood', detail };
  }
  const code = String(error.code ?? '');
  if (code === '23503') {
    const field = /Key \("?(.+?)"?\)=/.exec(error.detail ?? '')?.[1];
    return { status: 422, title: 'Not valid', detail: 'A record that this one points to is gone.', errors: field ? { [field]: 'There is no such record (any more).' } : {} };
  }
  if (code === '42501') {
    return { status: 507, title: 'Full', detail: 'The database takes no new data, because its storage is used up. Delete something first.' };
  }
  if (code.startsWith('22') || code.startsWith('23')) return { status: 422, title: 'Not valid', detail: 'The database does not accept these values.' };
  console.error(error);
  if (error instanceof Unreachable) {
    return { status: 503, title: 'Try again', detail: 'The database does not answer at the moment. Try again shortly.' };
  }
  return { status: 500, title: 'Failed', detail: 'Something went wrong in the app; its log says what.' };
}

/** The last middleware. */
export function problems(error, request, response, next) {
  if (response.headersSent) return next(error);
  const { status, title, detail, errors } = describe(error);
  response.status(status).type('application/problem+json').send(JSON.stringify({ type: 'about:blank', title, status, detail, errors }));
}
