// How values read: dates as people say them, money aligned, choices with a tone.

import type { Field } from './schema';

const DAY = 86_400_000;
const locale = typeof navigator === 'undefined' ? undefined : navigator.language;
const money = new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const plain = new Intl.NumberFormat(locale, { maximumFractionDigits: 6 });

export const FINISHED = /^(done|complete|completed|finished|closed|resolved|paid|bought|purchased|packed|delivered|shipped|returned|read|watched|visited|archived|attended|watered|reimbursed)$/;
// Ticks after which there is nothing left to do; the others (paid, read, …) say what has happened.
export const ENDED = /^(done|complete|completed|finished|closed|resolved|bought|purchased|packed)$/;
const DEADLINE = /(^|_)(due|deadline|until|expires|expiry|expiration)(_|$)/;
const GOOD = /^(done|closed|complete|completed|finished|paid|resolved|won|accepted|approved|confirmed|published|active|delivered|great|yes|hired|available|easy|returned|in stock)$/i;
const BAD = /^(high|urgent|critical|blocked|overdue|lost|rejected|cancelled|canceled|hard|bad|failed|no|out of stock|severe)$/i;
const WARM = /^(medium|in progress|doing|pending|waiting|in review|review|okay|sent|ordered|planned|draft|maybe|offer|reading)$/i;

export const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
export const initial = (text: string) => [...text][0]?.toUpperCase() ?? '';
export const article = (word: string) => (/^[aeiou]/i.test(word) ? 'an' : 'a');
export const number = (value: number) => plain.format(value);
export const amount = (value: number) => money.format(value);
export const isDeadline = (field: Field) => field.type === 'date' && DEADLINE.test(field.name);
export const openWord = (tick: Field) => (ENDED.test(tick.name) ? 'open' : `not ${tick.label.toLowerCase()}`);

export function tone(choice: string, index: number): string {
  if (GOOD.test(choice)) return 'tone-good';
  if (BAD.test(choice)) return 'tone-bad';
  if (WARM.test(choice)) return 'tone-warm';
  return `tone-${index % 4}`;
}

const midnight = (date: Date) => new Date(date.getFullYear(), date.getMonth(), date.getDate());

function fromIso(iso: string): Date {
  const [year = 0, month = 1, day = 1] = iso.split('-').map(Number);
  return new Date(year, month - 1, day);
}

export const daysFromToday = (iso: string) => Math.round((fromIso(iso).getTime() - midnight(new Date()).getTime()) / DAY);

export function day(iso: string): string {
  const distance = daysFromToday(iso);
  if (Math.abs(distance) <= 1) return capital(new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(distance, 'day'));
  const date = fromIso(iso);
  if (distance > 1 && distance < 7) return date.toLocaleDateString(locale, { weekday: 'long' });
  const thisYear = date.getFullYear() === new Date().getFullYear();
  return date.toLocaleDateString(locale, { day: 'numeric', month: 'short', year: thisYear ? undefined : 'numeric' });
}

export const fullDay = (iso: string) => fromIso(iso).toLocaleDateString(locale, { dateStyle: 'full' });

const localIso = (date: Date) => new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString();

export function moment(iso: string): string {
  const date = new Date(iso);
  return `${day(localIso(date).slice(0, 10))}, ${date.toLocaleTimeString(locale, { timeStyle: 'short' })}`;
}

/** What a datetime-local input wants, and back. */
export const toLocalInput = (iso: string) => localIso(new Date(iso)).slice(0, 16);
export const fromLocalInput = (text: string) => new Date(text).toISOString();

export const host = (url: string) => url.replace(/^https?:\/\/(www\.)?/, '').replace(/\/$/, '');
