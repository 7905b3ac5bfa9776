// The words for values. A reference reads as the title of the record that it points to, once that is loaded.

import { reactive } from 'vue';

import * as api from '../api';
import { amount, capital, day, moment, number } from '../format';
import { type Field, type Row, type Section, type Value, sectionNamed } from '../schema';

/** Name of a section to id to title. */
const titles = reactive(new Map<string, Map<number, string>>());

/** What a value reads as; empty where there is none. */
export function textOf(field: Field, value: Value): string {
  if (value === null || value === undefined || value === '') return '';
  if (typeof value === 'boolean') return value ? field.label : '';
  switch (field.type) {
    case 'reference': return titles.get(field.references ?? '')?.get(Number(value)) ?? `#${value}`;
    case 'date': return day(String(value));
    case 'datetime': return moment(String(value));
    case 'money': return amount(Number(value));
    case 'number':
    case 'integer': return number(Number(value));
    case 'choice': return capital(String(value));
    default: return String(value);
  }
}

/** What a record is called. */
export function titleOf(section: Section, row: Row): string {
  return textOf(section.title, row[section.title.name]) || `${capital(section.one)} ${row.id}`;
}

/** Id and title of every record that a reference may point to, newest first. */
export async function optionsFor(field: Field): Promise<[number, string][]> {
  const target = sectionNamed(field.references);
  if (!target) return [];
  const { rows } = await api.list(target.name, { limit: 500 });
  return rows.map((row) => [row.id, titleOf(target, row)]);
}

/** Load the titles that the rows of a section refer to. */
export async function loadTitles(section: Section): Promise<void> {
  const references = new Map(section.fields.filter((field) => field.type === 'reference').map((field) => [field.references ?? '', field]));
  await Promise.all([...references].map(async ([name, field]) => { titles.set(name, new Map(await optionsFor(field))); }));
}
