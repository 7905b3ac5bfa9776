// Talks to the JSON API. Every failure becomes an ApiError with a sentence that can be shown, and messages per field.

export class ApiError extends Error {
  constructor(message, { status = 0, fields = {}, data = null } = {}) {
    super(message);
    this.status = status;
    this.fields = fields;
    this.data = data;
  }
}

let signInAgain = null;

/** `ask` resolves when somebody is signed in again; whatever was refused meanwhile is then sent once more. */
export function whenSignedOut(ask) {
  signInAgain = ask;
}

async function call(method, path, body) {
  try {
    return await send(method, path, body);
  } catch (error) {
    if (error.status !== 401 || !signInAgain || path.startsWith('api/auth/')) throw error;
    await signInAgain();
    return send(method, path, body);
  }
}

async function send(method, path, body) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new ApiError('The server cannot be reached. Check the connection and try again.');
  }
  if (response.status === 204) return { data: null, response };
  const data = await response.json().catch(() => null);
  if (!response.ok) {
    const message = data?.detail ?? `The server answered ${response.status}. Try again in a moment.`;
    throw new ApiError(message, { status: response.status, fields: data?.errors ?? {}, data });
  }
  return { data, response };
}

export async function list(resource, { search = '', filters = {}, limit = 100, offset = 0 } = {}) {
  const query = new URLSearchParams({ ...filters, limit, offset });
  if (search) query.set('q', search);
  const { data, response } = await call('GET', `api/${resource}?${query}`);
  return { rows: data, total: Number(response.headers.get('x-total-count') ?? data.length) };
}

export const read = async (resource, id) => (await call('GET', `api/${resource}/${id}`)).data;
export const create = async (resource, values) => (await call('POST', `api/${resource}`, values)).data;
export const update = async (resource, id, values) => (await call('PATCH', `api/${resource}/${id}`, values)).data;
export const remove = async (resource, id) => (await call('DELETE', `api/${resource}/${id}`)).data;
export const schema = async () => (await call('GET', 'schema.json')).data;

export const me = async () => (await call('GET', 'api/auth/me')).data;
export const register = async (values) => (await call('POST', 'api/auth/register', values)).data;
export const signIn = async (values) => (await call('POST', 'api/auth/login', values)).data;
export const signOut = async () => (await call('POST', 'api/auth/logout')).data;
