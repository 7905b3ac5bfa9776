// Talks to the JSON API. Every failure becomes an ApiError with a sentence that can be shown, and messages per field.

export class ApiError extends Error {
  constructor(message, { status = 0, fields = {} } = {}) {
    super(message);
    this.status = status;
    this.fields = fields;
  }
}

async function call(method, path, body) {
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
    throw new ApiError(message, { status: response.status, fields: data?.errors ?? {} });
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
