// What the app shows, as `schema.json` says it, and how a kind of record looks, read from its fields.

import { FINISHED } from './format';

export type FieldType =
  | 'text' | 'long_text' | 'integer' | 'number' | 'money' | 'boolean'
  | 'date' | 'datetime' | 'email' | 'url' | 'choice' | 'reference';

export interface Field {
  name: string;
  type: FieldType;
  label: string;
  required?: boolean;
  choices?: string[]; // of a choice
  references?: string; // of a reference: the name of the resource that it points to
}

export interface Resource {
  name: string; // the path below /api
  label: string; // "Invoices"
  one: string; // "invoice"
  fields: Field[];
}

export interface Schema {
  title: string;
  resources: Resource[];
  theme?: 'light' | 'dark';
  authentication?: boolean;
}

export type Value = string | number | boolean | null;
export type Values = Record<string, Value>;
export interface Row { id: number; [field: string]: Value }

/** A resource with the part that each of its fields plays in a row. */
export interface Section extends Resource {
  title: Field;
  tick: Field | null; // the one that crosses the record off
  flags: Field[];
  body: Field | null;
  numbers: Field[];
  meta: Field[];
}

export function describe(resource: Resource): Section {
  const { fields } = resource;
  const ofType = (...types: FieldType[]) => fields.filter((field) => types.includes(field.type));
  const title = ofType('text')[0]
    ?? ofType('email', 'url', 'choice', 'reference', 'date', 'datetime', 'long_text')[0]
    ?? fields[0]!;
  const booleans = ofType('boolean');
  const tick = booleans.find((field) => FINISHED.test(field.name)) ?? null;
  return {
    ...resource,
    title,
    tick,
    flags: booleans.filter((field) => field !== tick && field !== title),
    body: ofType('long_text').find((field) => field !== title) ?? null,
    numbers: ofType('money', 'number', 'integer').filter((field) => field !== title),
    meta: ofType('text', 'date', 'datetime', 'email', 'url', 'choice', 'reference').filter((field) => field !== title),
  };
}

export const isTicked = (section: Section, row: Row) => section.tick !== null && row[section.tick.name] === true;
