// The five verbs of a resource over its table.
//
// The names of tables and columns come from the code alone; everything that a client sends is a parameter of the statement.

import { query } from './db';
import type { Field } from './fields';
import { Invalid, NotFound, NotUnderstood } from './problems';

interface Description {
  table: string;
  /** The word for one record. */
  one: string;
  fields: Record<string, Field>;
  /** The columns that `?q=` looks into. */
  search?: string[];
}

export interface Resource extends Description {
  list(request: Request): Promise<Response>;
  create(request: Request): Promise<Response>;
  read(id: string): Promise<Response>;
  update(id: string, request: Request): Promise<Response>;
  remove(id: string): Promise<Response>;
}

type Row = Record<string, unknown>;

const LARGEST_BODY = 1024 * 1024;
const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
const like = (text: string) => text.replace(/[\\%_]/g, '\\$&');

/** The JSON object of a request. */
export async function bodyOf(request: Request): Promise<Row> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > LARGEST_BODY) throw new NotUnderstood('The request cannot be used as it is.', 413);
    chunks.push(chunk);
  }
  let body: unknown = null;
  try {
    body = JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    // Said below: not an object either.
  }
  if (body === null || typeof body !== 'object' || Array.isArray(body)) throw new NotUnderstood('Send a JSON object.');
  return body as Row;
}

export function crud({ table, one, fields, search = [] }: Description): Resource {
  const names = Object.keys(fields);
  const columns = ['id', ...names, 'created_at', 'updated_at'].map(quoted).join(', ');

  /** The values to store. Fields that are not known are ignored; an empty text is the same as none. */
  function checked(body: Row, { partial }: { partial: boolean }): Row {
    const values: Row = {};
    const errors: Record<string, string> = {};
    for (const [name, field] of Object.entries(fields)) {
      if (partial && !Object.hasOwn(body, name)) continue;
      let value = Object.hasOwn(body, name) ? body[name] : null;
      if (typeof value === 'string' && value.trim() === '') value = null;
      if (value === null && field.required) errors[name] = 'This is needed.';
      else if (value === null) values[name] = field.empty ?? null;
      else {
        try {
          values[name] = field.parse(value);
        } catch (error) {
          errors[name] = (error as Error).message;
        }
      }
    }
    if (Object.keys(errors).length > 0) throw new Invalid(errors);
    return values;
  }

  async function found(id: string, sql: string, values: unknown[] = []): Promise<Row> {
    if (!/^\d{1,15}$/.test(id)) throw new NotFound(`There is no ${one} ${id.slice(0, 40)}.`);
    const { rows } = await query<Row>(sql, [id, ...values]);
    if (!rows[0]) throw new NotFound(`There is no ${one} ${id}.`);
    return rows[0];
  }

  function bounded(parameters: URLSearchParams, name: string, standard: number, least: number, most: number): number {
    const value = parameters.get(name) ?? String(standard);
    if (!/^\d{1,15}$/.test(value) || Number(value) < least || Number(value) > most) {
      throw new Invalid({ [name]: `Give a whole number from ${least} to ${most}.` });
    }
    return Number(value);
  }

  /** Newest first. A field's name as a parameter keeps the records that have that value. */
  async function list(request: Request): Promise<Response> {
    const parameters = new URL(request.url).searchParams;
    const limit = bounded(parameters, 'limit', 100, 1, 500);
    const offset = bounded(parameters, 'offset', 0, 0, Number.MAX_SAFE_INTEGER);
    const where = ['true'];
    const values: string[] = [];
    const text = (parameters.get('q') ?? '').replaceAll('\0', '').trim();
    if (text.length > 200) throw new Invalid({ q: 'Search for at most 200 characters.' });
    if (text && search.length > 0) {
      values.push(`%${like(text)}%`);
      where.push(`(${search.map((name) => `${quoted(name)} ILIKE $1`).join(' OR ')})`);
    }
    for (const name of names) {
      const value = ['q', 'limit', 'offset'].includes(name) ? null : parameters.get(name);
      if (value === null) continue;
      values.push(value.replaceAll('\0', ''));
      where.push(`${quoted(name)}::text = $${values.length}`);
    }
    const kept = `FROM ${quoted(table)} WHERE ${where.join(' AND ')}`;
    const { rows } = await query(`SELECT ${columns} ${kept} ORDER BY id DESC LIMIT ${limit} OFFSET ${offset}`, values);
    const total = await query<{ total: number }>(`SELECT count(*) AS total ${kept}`, values);
    return Response.json(rows, { headers: { 'x-total-count': String(total.rows[0]?.total) } });
  }

  async function create(request: Request): Promise<Response> {
    const values = checked(await bodyOf(request), { partial: false });
    const marks = names.map((_, index) => `$${index + 1}`).join(', ');
    const { rows } = await query<Row>(
      `INSERT INTO ${quoted(table)} (${names.map(quoted).join(', ')}) VALUES (${marks}) RETURNING ${columns}`,
      names.map((name) => values[name]),
    );
    return Response.json(rows[0], { status: 201, headers: { location: `/api/${table}/${rows[0]?.id}` } });
  }

  async function read(id: string): Promise<Response> {
    return Response.json(await found(id, `SELECT ${columns} FROM ${quoted(table)} WHERE id = $1`));
  }

  /** Sets the fields that were sent; the others stay. */
  async function update(id: string, request: Request): Promise<Response> {
    const values = checked(await bodyOf(request), { partial: true });
    const sets = [...Object.keys(values).map((name, index) => `${quoted(name)} = $${index + 2}`), 'updated_at = now()'];
    const sql = `UPDATE ${quoted(table)} SET ${sets.join(', ')} WHERE id = $1 RETURNING ${columns}`;
    return Response.json(await found(id, sql, Object.values(values)));
  }

  async function remove(id: string): Promise<Response> {
    await found(id, `DELETE FROM ${quoted(table)} WHERE id = $1 RETURNING id`);
    return new Response(null, { status: 204 });
  }

  return { table, one, fields, search, list, create, read, update, remove };
}
