// The records of one section: loading, loading more, and changing one in place.

import { useCallback, useEffect, useRef, useState } from 'react';

import * as api from './api';
import type { Row, Section, Values } from './schema';
import { titleOf, type Titles } from './titles';

const PAGE = 100;
const MOST_CHOICES = 500;

export interface Filters { [field: string]: string }

export interface Rows {
  rows: Row[];
  total: number;
  titles: Titles;
  busy: boolean;
  error: string;
  reload: () => Promise<void>;
  more: () => Promise<void>;
  /** Shown at once, sent, and taken back when it is refused; throws what the server said. */
  change: (row: Row, values: Values) => Promise<void>;
}

/** The titles of the records that this section's point to. */
export async function loadTitles(section: Section, sections: Section[]): Promise<Titles> {
  const names = new Set(section.fields.flatMap((field) => field.references ?? []));
  const targets = sections.filter((other) => names.has(other.name));
  return new Map(await Promise.all(targets.map(async (target) => {
    const { rows } = await api.list(target.name, { limit: MOST_CHOICES });
    return [target.name, new Map(rows.map((row) => [row.id, titleOf(target, row, new Map())]))] as const;
  })));
}

export function useRows(section: Section, sections: Section[], search: string, filters: Filters): Rows {
  const [loaded, setLoaded] = useState<{ rows: Row[]; total: number; titles: Titles }>({ rows: [], total: 0, titles: new Map() });
  const [busy, setBusy] = useState(true);
  const [error, setError] = useState('');
  const turn = useRef(0); // only the answer to the latest question counts

  const load = useCallback(async (before: Row[]) => {
    const mine = ++turn.current;
    setBusy(true);
    setError('');
    try {
      const [titles, page] = await Promise.all([
        loadTitles(section, sections),
        api.list(section.name, { search, filters, limit: PAGE, offset: before.length }),
      ]);
      if (mine !== turn.current) return;
      setLoaded({ rows: [...before, ...page.rows], total: page.total, titles });
    } catch (failure) {
      if (mine !== turn.current) return;
      setError(api.messageOf(failure));
    }
    setBusy(false);
  }, [section, sections, search, filters]);

  useEffect(() => {
    void load([]);
    return () => { turn.current += 1; };
  }, [load]);

  const replace = (row: Row) =>
    setLoaded((now) => ({ ...now, rows: now.rows.map((other) => (other.id === row.id ? row : other)) }));

  const change = async (row: Row, values: Values) => {
    replace({ ...row, ...values });
    try {
      replace(await api.update(section.name, row.id, values));
    } catch (failure) {
      replace(row);
      throw failure;
    }
  };

  return { ...loaded, busy, error, reload: () => load([]), more: () => load(loaded.rows), change };
}

/** Newest first (as the server sends them), or by a field; what has no value comes last. */
export function sorted(rows: Row[], section: Section, by: string): Row[] {
  const field = section.fields.find((candidate) => candidate.name === by);
  if (!field) return rows;
  const key = (row: Row) => (field.type === 'choice' ? (field.choices ?? []).indexOf(String(row[by])) : row[by]);
  const empty = (row: Row) => row[by] === null || row[by] === '';
  return [...rows].sort((a, b) => {
    if (empty(a) || empty(b)) return Number(empty(a)) - Number(empty(b));
    const [x, y] = [key(a), key(b)];
    return typeof x === 'string' ? x.localeCompare(String(y)) : Number(x) - Number(y);
  });
}
