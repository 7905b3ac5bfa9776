// The records of one section (loaded, searched, filtered, sorted, added and changed), and the words for what is in them.

import { computed, reactive, ref, shallowRef } from 'vue';

import * as api from '../api';
import { amount, capital, day, daysFromToday, isDeadline, moment, number, openWord } from '../format';
import { type Field, type Filters, type Row, type Section, type Value, type Values, sectionNamed } from '../schema';
import { toast } from './useToasts';

const PAGE = 100;

// --- words ---------------------------------------------------------------------------------------------------------

/** Name of a section to id to title: a reference reads as the title of the record that it points to. */
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
async function loadTitles(section: Section): Promise<void> {
  const references = new Map(section.fields.filter((field) => field.type === 'reference').map((field) => [field.references ?? '', field]));
  await Promise.all([...references].map(async ([name, field]) => { titles.set(name, new Map(await optionsFor(field))); }));
}

// --- records -------------------------------------------------------------------------------------------------------

export function useRecords(section: Section, narrowedTo: Filters = {}) {
  const rows = shallowRef<Row[]>([]);
  const total = ref(0);
  const busy = ref(true);
  const error = ref('');
  const search = ref('');
  const filters = ref(narrowedTo);
  const sort = ref('newest');
  let asked = 0;

  /** The first page, or the next one. Answers that come after a later question are dropped. */
  async function load({ more = false } = {}): Promise<void> {
    const turn = ++asked;
    busy.value = true;
    error.value = '';
    try {
      await loadTitles(section);
      const offset = more ? rows.value.length : 0;
      const page = await api.list(section.name, { search: search.value, filters: filters.value, limit: PAGE, offset });
      if (turn !== asked) return;
      rows.value = more ? [...rows.value, ...page.rows] : page.rows;
      total.value = page.total;
    } catch (failure) {
      if (turn !== asked) return;
      error.value = api.asApiError(failure).message;
    }
    busy.value = false;
  }

  /** Whether it was added; where not, a message says why. */
  async function add(values: Values): Promise<boolean> {
    try {
      await api.create(section.name, values);
      return true;
    } catch (failure) {
      toast(api.asApiError(failure).sentence, 'bad');
      return false;
    }
  }

  /** Shown at once, and taken back where the server refuses. */
  async function change(row: Row, values: Values): Promise<void> {
    const replace = (fresh: Row) => { rows.value = rows.value.map((other) => (other.id === row.id ? fresh : other)); };
    replace({ ...row, ...values });
    try {
      replace(await api.update(section.name, row.id, values));
    } catch (failure) {
      replace(row);
      toast(api.asApiError(failure).sentence, 'bad');
    }
  }

  const sorted = computed(() => {
    const field = section.fields.find((candidate) => candidate.name === sort.value);
    if (!field) return rows.value;
    const empty = (value: Value) => value === null || value === undefined || value === '';
    return [...rows.value].sort((one, other) => {
      const [a, b] = [one[field.name], other[field.name]];
      if (empty(a) || empty(b)) return Number(empty(a)) - Number(empty(b));
      if (field.choices) return field.choices.indexOf(String(a)) - field.choices.indexOf(String(b));
      return typeof a === 'string' ? a.localeCompare(String(b)) : Number(a) - Number(b);
    });
  });

  const summary = computed(() => {
    const all = rows.value;
    if (all.length === 0) return '';
    const { tick } = section;
    const parts = [`${number(total.value)} ${total.value === 1 ? section.one : section.label.toLowerCase()}`];
    if (all.length === total.value) {
      const open = tick ? all.filter((row) => !row[tick.name]) : all;
      const due = section.fields.find(isDeadline);
      const late = due ? open.filter((row) => row[due.name] && daysFromToday(String(row[due.name])) < 0).length : 0;
      if (tick) parts.push(`${number(open.length)} ${openWord(tick)}`);
      if (late) parts.push(`${number(late)} overdue`);
      for (const field of section.numbers.filter((candidate) => candidate.type === 'money')) {
        parts.push(`${field.label} ${amount(all.reduce((sum, row) => sum + Number(row[field.name] ?? 0), 0))} in all`);
      }
    }
    return parts.join(' · ');
  });

  const missing = computed(() => total.value - rows.value.length);
  const narrowed = computed(() => search.value !== '' || Object.keys(filters.value).length > 0);

  return { rows, sorted, summary, missing, narrowed, busy, error, search, filters, sort, load, add, change };
}
