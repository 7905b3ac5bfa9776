// How values read: dates as people say them, money aligned, choices with a tone.

const DAY = 86_400_000;
const locale = navigator.language;
const money = new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const plain = new Intl.NumberFormat(locale, { maximumFractionDigits: 6 });

export const FINISHED = /^(done|complete|completed|finished|closed|resolved|paid|bought|purchased|packed|delivered|shipped|returned|read|watched|visited|archived|attended|watered|reimbursed)$/;
// Ticks after which there is nothing left to do; the others (paid, read, …) say what has happened.
export const ENDED = /^(done|complete|completed|finished|closed|resolved|bought|purchased|packed)$/;
const DEADLINE = /(^|_)(due|deadline|until|expires|expiry|expiration)(_|$)/;
const GOOD = /^(done|closed|complete|completed|finished|paid|resolved|won|accepted|approved|confirmed|published|active|delivered|great|yes|hired|available|easy|returned|in stock)$/i;
const BAD = /^(high|urgent|critical|blocked|overdue|lost|rejected|cancelled|canceled|hard|bad|failed|no|out of stock|severe)$/i;
const WARM = /^(medium|in progress|doing|pending|waiting|in review|review|okay|sent|ordered|planned|draft|maybe|offer|reading)$/i;

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
export const number = (value) => plain.format(value);
export const amount = (value) => money.format(value);
export const isDeadline = (field) => field.type === 'date' && DEADLINE.test(field.name);

export function tone(choice, index) {
  if (GOOD.test(choice)) return 'tone-good';
  if (BAD.test(choice)) return 'tone-bad';
  if (WARM.test(choice)) return 'tone-warm';
  return `tone-${index % 4}`;
}

const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate());
const fromIso = (iso) => {
  const [year, month, day] = iso.split('-').map(Number);
  return new Date(year, month - 1, day);
};
export const daysFromToday = (iso) => Math.round((fromIso(iso) - midnight(new Date())) / DAY);

export function day(iso) {
  const distance = daysFromToday(iso);
  if (Math.abs(distance) <= 1) return capital(new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(distance, 'day'));
  const date = fromIso(iso);
  if (distance > 1 && distance < 7) return date.toLocaleDateString(locale, { weekday: 'long' });
  const year = date.getFullYear() === new Date().getFullYear() ? {} : { year: 'numeric' };
  return date.toLocaleDateString(locale, { day: 'numeric', month: 'short', ...year });
}

export const fullDay = (iso) => fromIso(iso).toLocaleDateString(locale, { dateStyle: 'full' });

export function moment(iso) {
  const date = new Date(iso);
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
  return `${day(local)}, ${date.toLocaleTimeString(locale, { timeStyle: 'short' })}`;
}

// What a datetime-local input wants, and back.
export function toLocalInput(iso) {
  const date = new Date(iso);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
export const fromLocalInput = (text) => new Date(text).toISOString();

export const host = (url) => url.replace(/^https?:\/\/(www\.)?/, '').replace(/\/$/, '');
