// What schema.json says, with its types, and what a section looks like, read from its fields.

import { FINISHED } from './format';
import json from './schema.json';

export type FieldType =
  | 'text' | 'long_text' | 'integer' | 'number' | 'money' | 'boolean'
  | 'date' | 'datetime' | 'email' | 'url' | 'choice' | 'reference';

export interface Field {
  name: string;
  type: FieldType;
  label: string;
  required?: boolean;
  /** Of a choice. */
  choices?: string[];
  /** Of a reference: the name of the resource that it points to. */
  references?: string;
}

export interface Resource {
  name: string;
  label: string;
  /** The word for one record. */
  one: string;
  fields: Field[];
}

export interface Schema {
  title: string;
  resources: Resource[];
  theme?: 'light' | 'dark';
  /** Whether people sign in first. */
  authentication?: boolean;
}

export type Value = string | number | boolean | null | undefined;

export interface Row {
  id: number;
  [field: string]: Value;
}

export type Values = Record<string, Value>;
export type Filters = Record<string, string>;

/** A resource with the part that each of its fields plays in the list. */
export interface Section extends Resource {
  title: Field;
  /** The checkbox in front of the row: done, paid, … */
  tick: Field | null;
  flags: Field[];
  body: Field | null;
  numbers: Field[];
  meta: Field[];
}

const TITLES: FieldType[] = ['email', 'url', 'choice', 'reference', 'date', 'datetime', 'long_text'];
const NUMBERS: FieldType[] = ['money', 'number', 'integer'];
const APART: FieldType[] = ['boolean', 'long_text', ...NUMBERS];

function describe(resource: Resource): Section {
  const { fields } = resource;
  const title = fields.find((field) => field.type === 'text') ?? fields.find((field) => TITLES.includes(field.type)) ?? fields[0];
  if (!title) throw new Error(`schema.json: ${resource.name} has no fields.`);
  const booleans = fields.filter((field) => field.type === 'boolean');
  const tick = booleans.find((field) => FINISHED.test(field.name)) ?? null;
  return {
    ...resource,
    title,
    tick,
    flags: booleans.filter((field) => field !== tick && field !== title),
    body: fields.find((field) => field.type === 'long_text' && field !== title) ?? null,
    numbers: fields.filter((field) => NUMBERS.includes(field.type) && field !== title),
    meta: fields.filter((field) => field !== title && !APART.includes(field.type)),
  };
}

export const schema = json as Schema;
export const sections = schema.resources.map(describe);

export function sectionNamed(name: string | undefined): Section | undefined {
  return sections.find((section) => section.name === name);
}
