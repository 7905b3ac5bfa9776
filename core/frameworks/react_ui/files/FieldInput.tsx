// The control of one field, with its label, hint and error. What it holds while typing is a text, or a switch's on and off.

import { capital, fromLocalInput, toLocalInput } from './format';
import type { Field, Value } from './schema';

export type Draft = string | boolean;
export type Option = readonly [id: number, title: string];

const INPUTS: Partial<Record<Field['type'], string>> = {
  email: 'email', url: 'url', date: 'date', datetime: 'datetime-local', integer: 'number', number: 'number', money: 'number',
};
const STEPS: Partial<Record<Field['type'], string>> = { integer: '1', number: 'any', money: '0.01' };
const NUMERIC = ['integer', 'number', 'money', 'reference'];
const WIDE = ['text', 'long_text', 'url', 'email', 'reference'];

export function draftOf(field: Field, value: Value | undefined): Draft {
  if (field.type === 'boolean') return value === true;
  if (value === null || value === undefined) return '';
  return field.type === 'datetime' ? toLocalInput(String(value)) : String(value);
}

/** What the API takes; null when nothing was typed. */
export function valueOf(field: Field, draft: Draft): Value {
  if (typeof draft === 'boolean') return draft;
  const text = draft.trim();
  if (text === '') return null;
  if (NUMERIC.includes(field.type)) return Number(text);
  return field.type === 'datetime' ? fromLocalInput(text) : text;
}

interface Props {
  field: Field;
  value: Draft;
  error?: string;
  options?: Option[]; // of a reference
  onChange: (value: Draft) => void;
}

export function FieldInput({ field, value, error = '', options = [], onChange }: Props) {
  const wide = WIDE.includes(field.type) ? ' wide' : '';
  return (
    <div className={`field field-${field.type}${wide}`}>
      <label htmlFor={`field-${field.name}`}>
        {field.label}{field.required && <span className="required" aria-hidden="true"> *</span>}
      </label>
      <Control field={field} value={value} error={error} options={options} onChange={onChange} />
      {field.type === 'reference' && options.length === 0 && <p className="hint">Nothing to choose from yet.</p>}
      <p className="error" id={`error-${field.name}`}>{error}</p>
    </div>
  );
}

function Control({ field, value, error, options, onChange }: Required<Props>) {
  const common = {
    id: `field-${field.name}`,
    name: field.name,
    required: field.required === true && field.type !== 'boolean',
    'aria-describedby': `error-${field.name}`,
    'aria-invalid': error !== '' || undefined,
  };
  if (typeof value === 'boolean') {
    return <input {...common} type="checkbox" role="switch" className="switch" checked={value}
      onChange={(event) => onChange(event.target.checked)} />;
  }
  if (field.type === 'long_text') {
    return <textarea {...common} rows={4} maxLength={20_000} value={value} onChange={(event) => onChange(event.target.value)} />;
  }
  if (field.type === 'choice' || field.type === 'reference') {
    const entries = field.type === 'choice' ? (field.choices ?? []).map((choice) => [choice, capital(choice)] as const) : options;
    return (
      <select {...common} value={value} onChange={(event) => onChange(event.target.value)}>
        <option value="">{field.required ? 'Choose…' : 'None'}</option>
        {entries.map(([key, title]) => <option key={key} value={key}>{title}</option>)}
      </select>
    );
  }
  return (
    <input {...common} type={INPUTS[field.type] ?? 'text'} autoComplete="off" value={value}
      step={STEPS[field.type]}
      inputMode={field.type === 'money' ? 'decimal' : undefined}
      maxLength={field.type === 'text' ? 500 : undefined}
      placeholder={field.type === 'url' ? 'https://' : undefined}
      onChange={(event) => onChange(event.target.value)} />
  );
}
