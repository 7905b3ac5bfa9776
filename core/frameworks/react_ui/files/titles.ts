// What a record is called, and how one of its values is shown.

import { amount, capital, day, moment, number } from './format';
import type { Field, Row, Section, Value } from './schema';

/** The titles of the records that others point to: the resource's name, then the record's id. */
export type Titles = ReadonlyMap<string, ReadonlyMap<number, string>>;

export function text(field: Field, value: Value | undefined, titles: Titles): string {
  if (value === null || value === undefined || value === '') return '';
  switch (field.type) {
    case 'reference': return titles.get(field.references ?? '')?.get(Number(value)) ?? `#${value}`;
    case 'date': return day(String(value));
    case 'datetime': return moment(String(value));
    case 'money': return amount(Number(value));
    case 'number':
    case 'integer': return number(Number(value));
    case 'choice': return capital(String(value));
    case 'boolean': return value ? field.label : '';
    default: return String(value);
  }
}

export const titleOf = (section: Section, row: Row, titles: Titles) =>
  text(section.title, row[section.title.name], titles) || `${capital(section.one)} ${row.id}`;
