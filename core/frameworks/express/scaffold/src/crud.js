// The five verbs of a resource over its table.
//
// The names of tables and columns come from the code alone; everything that a client sends is a parameter of the statement.

import express from 'express';

import { database } from './db.js';
import { Invalid, NotFound } from './problems.js';

const quoted = (name) => `"${name.replaceAll('"', '""')}"`;
const like = (text) => text.replace(/[\\%_]/g, '\\$&');

/**
 * @param {{table: string, one: string, fields: Record<string, object>, search?: string[]}} resource
 *   `one` is the word for one record; `search` names the columns that `?q=` looks into
 */
export function crud({ table, one, fields, search = [] }) {
  const names = Object.keys(fields);
  const columns = ['id', ...names, 'created_at', 'updated_at'].map(quoted).join(', ');

  /** The values to store. Fields that are not known are ignored; an empty text is the same as none. */
  function checked(body, { partial }) {
    if (body === null || typeof body !== 'object' || Array.isArray(body)) throw Object.assign(new Error('not an object'), { status: 400, type: 'entity.parse.failed' });
    const values = {};
    const errors = {};
    for (const name of names) {
      const field = fields[name];
      if (partial && !Object.hasOwn(body, name)) continue;
      let value = Object.hasOwn(body, name) ? body[name] : null;
      if (typeof value === 'string' && value.trim() === '') value = null;
      if (value === null && field.required) errors[name] = 'This is needed.';
      else if (value === null && field.empty !== undefined) values[name] = field.empty;
      else {
        try {
          values[name] = value === null ? null : field.parse(value);
        } catch (error) {
          errors[name] = error.message;
        }
      }
    }
    if (Object.keys(errors).length > 0) throw new Invalid(errors);
    return values;
  }

  async function found(id, sql, values = []) {
    if (!/^\d{1,15}$/.test(id)) throw new NotFound(`There is no ${one} ${id.slice(0, 40)}.`);
    const { rows } = await database.query(sql, [id, ...values]);
    if (rows.length === 0) throw new NotFound(`There is no ${one} ${id}.`);
    return rows[0];
  }

  function bounded(query, name, standard, least, most) {
    const value = query[name] ?? standard;
    if (!/^\d{1,15}$/.test(value) || Number(value) < least || Number(value) > most) throw new Invalid({ [name]: `Give a whole number from ${least} to ${most}.` });
    return Number(value);
  }

  /** Newest first. A field's name as a parameter keeps the records that have that value. */
  async function list(request, response) {
    const { query } = request;
    const limit = bounded(query, 'limit', '100', 1, 500);
    const offset = bounded(query, 'offset', '0', 0, Number.MAX_SAFE_INTEGER);
    const where = ['true'];
    const values = [];
    const text = String(query.q ?? '').replaceAll('\0', '').trim();
    if (text.length > 200) throw new Invalid({ q: 'Search for at most 200 characters.' });
    if (text && search.length > 0) {
      values.push(`%${like(text)}%`);
      where.push(`(${search.map((name) => `${quoted(name)} ILIKE $1`).join(' OR ')})`);
    }
    for (const name of names) {
      if (!Object.hasOwn(query, name) || ['q', 'limit', 'offset'].includes(name)) continue;
      values.push(String(query[name]).replaceAll('\0', ''));
      where.push(`${quoted(name)}::text = $${values.length}`);
    }
    const kept = `FROM ${quoted(table)} WHERE ${where.join(' AND ')}`;
    const { rows } = await database.query(`SELECT ${columns} ${kept} ORDER BY id DESC LIMIT ${limit} OFFSET ${offset}`, values);
    const total = await database.query(`SELECT count(*) AS total ${kept}`, values);
    response.set('x-total-count', String(total.rows[0].total)).json(rows);
  }

  async function create(request, response) {
    const values = checked(request.body, { partial: false });
    const marks = names.map((_, index) => `$${index + 1}`).join(', ');
    const { rows } = await database.query(
      `INSERT INTO ${quoted(table)} (${names.map(quoted).join(', ')}) VALUES (${marks}) RETURNING ${columns}`,
      names.map((name) => values[name]),
    );
    response.status(201).location(`/api/${table}/${rows[0].id}`).json(rows[0]);
  }

  async function read(request, response) {
    response.json(await found(request.params.id, `SELECT ${columns} FROM ${quoted(table)} WHERE id = $1`));
  }

  /** Sets the fields that were sent; the others stay. */
  async function update(request, response) {
    const values = checked(request.body, { partial: true });
    const sets = [...Object.keys(values).map((name, index) => `${quoted(name)} = $${index + 2}`), 'updated_at = now()'];
    const sql = `UPDATE ${quoted(table)} SET ${sets.join(', ')} WHERE id = $1 RETURNING ${columns}`;
    response.json(await found(request.params.id, sql, Object.values(values)));
  }

  async function remove(request, response) {
    await found(request.params.id, `DELETE FROM ${quoted(table)} WHERE id = $1 RETURNING id`);
    response.status(204).end();
  }

  return {
    table,
    one,
    fields,
    router() {
      const router = express.Router();
      router.get('/', list).post('/', create);
      router.get('/:id', read).put('/:id', update).patch('/:id', update).delete('/:id', remove);
      return router;
    },
  };
}
