// The kinds of values that records have. Each checks and tidies what a client sends, or throws a sentence.

export interface Field {
  required: boolean;
  /** What is kept where nothing was sent; otherwise null. */
  empty?: unknown;
  parse(value: unknown): unknown;
}

export interface Options {
  required?: boolean;
}

function fail(message: string): never {
  throw new TypeError(message);
}

const kind = (parse: Field['parse']) => (options: Options = {}): Field => ({ required: false, ...options, parse });

function words(value: unknown, longest: number): string {
  if (typeof value !== 'string') fail('Give a text.');
  if (value.includes('\0') || !value.isWellFormed()) fail('That text has characters that cannot be kept.');
  if ([...value].length > longest) fail(`Give at most ${longest} characters.`);
  return value.trim();
}

function amount(value: unknown): number {
  const result = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof result === 'number' && Number.isFinite(result) ? result : fail('Give a number.');
}

function whole(value: unknown): number {
  const result = amount(value);
  return Number.isSafeInteger(result) ? result : fail('Give a whole number.');
}

export const line = kind((value) => words(value, 500));
export const longText = kind((value) => words(value, 20_000));
export const integer = kind(whole);
export const number = kind((value) => (Math.abs(amount(value)) < 1e30 ? amount(value) : fail('That number is too large.')));

export const money = kind((value) => {
  const result = amount(value);
  if (Math.abs(result) >= 1e12) fail('That number is too large.');
  return Number(result.toFixed(2)) === result ? result : fail('Give at most two decimals.');
});

const YES: unknown[] = [true, 1, 'true', '1', 'on', 'yes'];
const NO: unknown[] = [false, 0, 'false', '0', 'off', 'no'];

export const flag = (): Field => ({
  required: false,
  empty: false,
  parse: (value) => YES.includes(value) || (NO.includes(value) ? false : fail('Say true or false.')),
});

export const date = kind((value) => {
  const day = typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value.trim()) ? value.trim() : fail('Give a date like 2030-12-31.');
  const time = new Date(`${day}T00:00:00Z`);
  const exists = !day.startsWith('0000') && !Number.isNaN(time.getTime()) && time.toISOString().startsWith(day);
  return exists ? day : fail('Give a date like 2030-12-31.');
});

export const moment = kind((value) => {
  const message = 'Give a date and time like 2030-12-31T09:30.';
  const text = typeof value === 'string' && /^[1-9]\d{3}-\d\d-\d\d/.test(value.trim()) ? value.trim() : fail(message);
  const zoned = /(Z|[+-]\d\d:?\d\d)$/i.test(text) || text.length === 10 ? text : `${text}Z`;
  const time = new Date(zoned);
  return Number.isNaN(time.getTime()) ? fail(message) : time.toISOString();
});

export const email = kind((value) => {
  const text = words(value, 500);
  return /^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(text) ? text : fail('Give an address like name@example.com.');
});

export const url = kind((value) => {
  let text = words(value, 2000);
  if (/^[\w-]+(\.[\w-]+)+(\/|$)/.test(text)) text = `https://${text}`;
  return /^https?:\/\/[^\s/]+\S*$/.test(text) ? text : fail('Give an address like https://example.com.');
});

/** The id of a record of another table. */
export const reference = kind((value) => (whole(value) >= 1 ? whole(value) : fail('There is no such record (any more).')));

/** One of these texts. */
export const choice = (choices: string[], options: Options = {}): Field =>
  kind((value) => (choices.some((one) => one === value) ? value : fail(`Choose one of: ${choices.join(', ')}.`)))(options);
