// One kind of record: search, sorting, filters, the list, and the sheet over it.

import { useEffect, useRef, useState, type FormEvent } from 'react';

import * as api from './api';
import type { Option } from './FieldInput';
import { amount, article, capital, daysFromToday, isDeadline, number, openWord } from './format';
import { Icon } from './Icon';
import { RowItem } from './RowItem';
import { isTicked, type Field, type Row, type Section, type Values } from './schema';
import { Sheet, type Related } from './Sheet';
import { titleOf } from './titles';
import { useToast } from './toasts';
import { loadTitles, sorted, useRows, type Filters, type Rows } from './useRows';

/** A section, narrowed to the records that have these values. */
export interface Place { section: Section; filters: Filters; filterLabel: string }

interface Props {
  place: Place;
  sections: Section[];
  onShow: (place: Place) => void;
}

interface Opened { row: Row | null; preset: Values; options: Record<string, Option[]>; related: Related[] }

export function SectionView({ place, sections, onShow }: Props) {
  const { section } = place;
  const toast = useToast();
  const [typed, setTyped] = useState('');
  const search = useSettled(typed.trim(), 180);
  const [filters, setFilters] = useState(place.filters);
  const [filterLabel, setFilterLabel] = useState(place.filterLabel);
  const [sort, setSort] = useState('newest');
  const [opened, setOpened] = useState<Opened | null>(null);
  const quick = useRef<HTMLInputElement>(null);
  const list = useRows(section, sections, search, filters);

  function narrow(next: Filters) {
    setFilters(next);
    setFilterLabel('');
  }

  async function open(row: Row | null, preset: Values = {}) {
    const fixed = section.fields.filter((field) => field.type === 'reference' && filters[field.name]);
    try {
      const [options, related] = await Promise.all([optionsFor(section, sections, row), row ? relatedTo(section, sections, row, list, onShow) : []]);
      setOpened({ row, options, related, preset: { ...Object.fromEntries(fixed.map((field) => [field.name, Number(filters[field.name])])), ...preset } });
    } catch (error) {
      toast(api.messageOf(error), 'bad');
    }
  }

  async function closed(outcome: 'saved' | 'removed' | null) {
    const isNew = opened?.row === null;
    setOpened(null);
    if (outcome) await list.reload();
    if (isNew || outcome === 'removed') quick.current?.focus();
  }

  async function change(row: Row, values: Values) {
    try {
      await list.change(row, values);
    } catch (error) {
      toast(api.messageOf(error), 'bad');
    }
  }

  async function quickAdd(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const input = quick.current;
    if (!input) return;
    const value = input.value.trim();
    const preset: Values = value ? { [section.title.name]: value } : {};
    const simple = section.title.type === 'text'
      && !section.fields.some((field) => field.required && field !== section.title && field.type !== 'boolean');
    if (!value || !simple) {
      input.value = '';
      await open(null, preset);
      return;
    }
    const kept = Object.entries(filters).filter(([name]) => section.fields.find((field) => field.name === name)?.type !== 'boolean');
    try {
      await api.create(section.name, { ...Object.fromEntries(kept), ...preset });
      toast(`${capital(section.one)} added`);
      input.value = '';
      await list.reload();
    } catch (error) {
      toast(api.messageOf(error), 'bad');
    }
  }

  const narrowed = search !== '' || Object.keys(filters).length > 0;
  return (
    <>
      <Toolbar section={section} search={typed} onSearch={setTyped} sort={sort} onSort={setSort} onNew={() => void open(null)} />
      <FilterBar section={section} filters={filters} label={filterLabel} onNarrow={narrow} />
      <section className="panel" aria-label={section.label}>
        <form className="quick" onSubmit={(event) => void quickAdd(event)}>
          <Icon name="plus" />
          <input ref={quick} id="quick" name="quick" autoComplete="off" maxLength={500}
            placeholder={`Add ${article(section.one)} ${section.one}…`} aria-label={`Add ${article(section.one)} ${section.one}`} />
        </form>
        <div id="list" aria-busy={list.busy}>
          <List section={section} list={list} sort={sort} narrowed={narrowed} onOpen={(row) => void open(row)}
            onChange={(row, values) => void change(row, values)} />
        </div>
      </section>
      <p className="summary" id="summary" aria-live="polite">{summary(section, list)}</p>
      {opened && <Sheet section={section} {...opened} onClose={(outcome) => void closed(outcome)} />}
    </>
  );
}

/** A value once it has not changed for so many milliseconds. */
function useSettled<T>(value: T, milliseconds: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), milliseconds);
    return () => clearTimeout(timer);
  }, [value, milliseconds]);
  return settled;
}

async function optionsFor(section: Section, sections: Section[], row: Row | null): Promise<Record<string, Option[]>> {
  const titles = await loadTitles(section, sections);
  return Object.fromEntries(section.fields.filter((field) => field.type === 'reference').map((field) => {
    const options: Option[] = [...(titles.get(field.references ?? '') ?? [])];
    const current = row?.[field.name];
    if (typeof current === 'number' && !options.some(([id]) => id === current)) options.unshift([current, `#${current}`]);
    return [field.name, options];
  }));
}

/** The lists of other records that point to this one. */
function relatedTo(section: Section, sections: Section[], row: Row, list: Rows, onShow: (place: Place) => void): Promise<Related[]> {
  const links = sections.flatMap((other) => other.fields
    .filter((field) => field.type === 'reference' && field.references === section.name)
    .map((field) => ({ other, field })));
  return Promise.all(links.map(async ({ other, field }) => {
    const filters = { [field.name]: String(row.id) };
    const { total } = await api.list(other.name, { filters, limit: 1 });
    const filterLabel = `${field.label}: ${titleOf(section, row, list.titles)}`;
    return { text: `${other.label} (${total})`, open: () => onShow({ section: other, filters, filterLabel }) };
  }));
}

interface ToolbarProps {
  section: Section;
  search: string;
  onSearch: (text: string) => void;
  sort: string;
  onSort: (field: string) => void;
  onNew: () => void;
}

function Toolbar({ section, search, onSearch, sort, onSort, onNew }: ToolbarProps) {
  const label = `Search ${section.label.toLowerCase()}`;
  const sortable = section.fields.filter((field) => !['long_text', 'boolean', 'reference'].includes(field.type));
  return (
    <div className="toolbar">
      <div className="search">
        <Icon name="search" />
        <input type="search" id="search" placeholder={label} aria-label={label} value={search} onChange={(event) => onSearch(event.target.value)} />
      </div>
      <select className="sort" aria-label="Sort by" value={sort} onChange={(event) => onSort(event.target.value)}>
        <option value="newest">Newest first</option>
        {sortable.map((field) => <option key={field.name} value={field.name}>{field.label}</option>)}
      </select>
      <button className="button primary" type="button" id="new" aria-label={`New ${section.one}`} onClick={onNew}>
        <Icon name="plus" /><span>New</span>
      </button>
    </div>
  );
}

interface FilterBarProps { section: Section; filters: Filters; label: string; onNarrow: (filters: Filters) => void }

function FilterBar({ section, filters, label, onNarrow }: FilterBarProps) {
  const options = filterOptions(section);
  const isOn = (other: Filters) => JSON.stringify(other) === JSON.stringify(filters);
  const shown = options.length > 0 || label ? [{ label: 'All', filters: {} }, ...options] : [];
  return (
    <div className="filters" role="group" aria-label="Filter">
      {shown.map((option) => (
        <button key={option.label} type="button" className="filter" aria-pressed={isOn(option.filters)} onClick={() => onNarrow(option.filters)}>
          {option.label}
        </button>
      ))}
      {label && (
        <button type="button" className="filter" aria-pressed="true" aria-label={`Remove the filter ${label}`} onClick={() => onNarrow({})}>
          {label}<Icon name="close" />
        </button>
      )}
    </div>
  );
}

function filterOptions({ tick, fields }: Section): { label: string; filters: Filters }[] {
  const few = (field: Field) => field.type === 'choice' && (field.choices ?? []).length <= 6;
  const choice = fields.find((field) => field.type === 'choice');
  return [
    ...(tick ? [{ label: capital(openWord(tick)), filters: { [tick.name]: 'false' } }, { label: tick.label, filters: { [tick.name]: 'true' } }] : []),
    ...(choice && few(choice) ? (choice.choices ?? []).map((value) => ({ label: capital(value), filters: { [choice.name]: value } })) : []),
  ];
}

interface ListProps {
  section: Section;
  list: Rows;
  sort: string;
  narrowed: boolean;
  onOpen: (row: Row) => void;
  onChange: (row: Row, values: Values) => void;
}

function List({ section, list, sort, narrowed, onOpen, onChange }: ListProps) {
  const { rows, total, titles, busy, error } = list;
  if (error) {
    return (
      <div className="empty" role="alert">
        <h2>That did not load</h2>
        <p>{error}</p>
        <button className="button" type="button" onClick={() => void list.reload()}>Try again</button>
      </div>
    );
  }
  if (rows.length === 0 && busy) {
    return (
      <ul className="rows skeletons" aria-label="Loading">
        {[64, 48, 56].map((width) => <li key={width} className="row"><span className={`bone bone-${width}`} /></li>)}
      </ul>
    );
  }
  if (rows.length === 0) {
    return (
      <div className="empty">
        <span className="empty-mark"><Icon name={narrowed ? 'search' : 'box'} /></span>
        <h2>{narrowed ? 'Nothing matches' : `No ${section.label.toLowerCase()} yet`}</h2>
        <p>{narrowed ? 'Try another word, or show all.' : `Type above and press Enter to add the first ${section.one}.`}</p>
      </div>
    );
  }
  return (
    <>
      <ul className="rows">
        {sorted(rows, section, sort).map((row) => (
          <RowItem key={row.id} section={section} row={row} titles={titles} onOpen={() => onOpen(row)} onChange={(values) => onChange(row, values)} />
        ))}
      </ul>
      {rows.length < total && (
        <div className="more">
          <button className="button quiet" type="button" onClick={() => void list.more()}>{`Show more (${number(total - rows.length)})`}</button>
        </div>
      )}
    </>
  );
}

/** How many there are; and, while all of them are here, how many are open and late, and the sums of money. */
function summary(section: Section, { rows, total }: Rows): string {
  if (rows.length === 0) return '';
  const parts = [`${number(total)} ${total === 1 ? section.one : section.label.toLowerCase()}`];
  if (rows.length === total) {
    const open = rows.filter((row) => !isTicked(section, row));
    const due = section.fields.find(isDeadline);
    const late = due ? open.filter((row) => row[due.name] && daysFromToday(String(row[due.name])) < 0).length : 0;
    if (section.tick) parts.push(`${number(open.length)} ${openWord(section.tick)}`);
    if (late) parts.push(`${number(late)} overdue`);
    for (const field of section.numbers.filter((candidate) => candidate.type === 'money')) {
      parts.push(`${field.label} ${amount(rows.reduce((sum, row) => sum + Number(row[field.name] ?? 0), 0))} in all`);
    }
  }
  return parts.join(' · ');
}
