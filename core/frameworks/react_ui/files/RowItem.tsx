// One record in the list: its tick, title, text, details and figures.

import type { ReactNode } from 'react';

import { ENDED, amount, daysFromToday, fullDay, host, isDeadline, number, tone } from './format';
import { Icon } from './Icon';
import { isTicked, type Field, type Row, type Section, type Values } from './schema';
import { text, titleOf, type Titles } from './titles';

interface Props {
  section: Section;
  row: Row;
  titles: Titles;
  onOpen: () => void;
  onChange: (values: Values) => void;
}

export function RowItem({ section, row, titles, onOpen, onChange }: Props) {
  const { tick, body, flags, numbers, meta } = section;
  const name = titleOf(section, row, titles);
  const ticked = isTicked(section, row);
  const ended = ticked && tick !== null && ENDED.test(tick.name);
  const shown = meta.filter((field) => text(field, row[field.name], titles) !== '');
  const figures = numbers.slice(0, 3).filter((field) => typeof row[field.name] === 'number');
  return (
    <li className={`row${ticked ? ' finished' : ''}${ended ? ' ended' : ''}`} data-id={row.id}>
      {tick && (
        <input type="checkbox" className="tick" aria-label={`${tick.label}: ${name}`} checked={ticked}
          onChange={(event) => onChange({ [tick.name]: event.target.checked })} />
      )}
      <div className="row-main">
        <button className="row-title" type="button" onClick={onOpen}>{name}</button>
        {body && row[body.name] ? <p className="row-body">{row[body.name]}</p> : null}
        {shown.length + flags.length > 0 && (
          <div className="row-meta">
            {shown.map((field) => <Detail key={field.name} section={section} field={field} row={row} titles={titles} />)}
            {flags.map((field) => (
              <label key={field.name} className="flag">
                <input type="checkbox" role="switch" className="switch small" aria-label={`${field.label}: ${name}`}
                  checked={row[field.name] === true} onChange={(event) => onChange({ [field.name]: event.target.checked })} />
                {field.label}
              </label>
            ))}
          </div>
        )}
      </div>
      {figures.length > 0 && (
        <div className="figures">
          {figures.map((field) => <Figure key={field.name} field={field} value={Number(row[field.name])} />)}
        </div>
      )}
    </li>
  );
}

interface DetailProps { section: Section; field: Field; row: Row; titles: Titles }

function Detail({ section, field, row, titles }: DetailProps): ReactNode {
  const value = String(row[field.name]);
  const shown = text(field, row[field.name], titles);
  switch (field.type) {
    case 'choice':
      return <span className={`chip ${tone(value, (field.choices ?? []).indexOf(value))}`} title={field.label}>{shown}</span>;
    case 'url':
      return <a className="meta-link" href={value} target="_blank" rel="noreferrer noopener"><Icon name="link" />{host(value)}</a>;
    case 'email':
      return <a className="meta-link" href={`mailto:${value}`}>{value}</a>;
    case 'date': {
      const late = isDeadline(field) && !isTicked(section, row) ? -daysFromToday(value) : 0;
      return (
        <span className={late > 0 ? 'chip tone-bad' : 'meta'} title={`${field.label}: ${fullDay(value)}`}>
          <Icon name="calendar" />{late > 0 ? `Overdue ${late} ${late === 1 ? 'day' : 'days'}` : shown}
        </span>
      );
    }
    case 'datetime':
      return <span className="meta" title={field.label}><Icon name="calendar" />{shown}</span>;
    default:
      return <span className="meta" title={field.label}>{shown}</span>;
  }
}

function Figure({ field, value }: { field: Field; value: number }) {
  if (field.name === 'rating' && Number.isInteger(value) && value >= 0 && value <= 5) {
    return (
      <span className="stars" role="img" aria-label={`${field.label}: ${value} of 5`}>
        {'★'.repeat(value)}<span className="dim">{'★'.repeat(5 - value)}</span>
      </span>
    );
  }
  return (
    <span className={`figure figure-${field.type}`}>
      <span className="figure-label">{field.label}</span>{field.type === 'money' ? amount(value) : number(value)}
    </span>
  );
}
