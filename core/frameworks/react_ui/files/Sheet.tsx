// The sheet that creates, edits and deletes one record.

import { useEffect, useRef, useState, type FormEvent, type KeyboardEvent } from 'react';

import * as api from './api';
import { FieldInput, draftOf, valueOf, type Draft, type Option } from './FieldInput';
import { capital } from './format';
import { Icon } from './Icon';
import type { Row, Section, Values } from './schema';
import { useToast } from './toasts';

export interface Related { text: string; open: () => void }

interface Props {
  section: Section;
  row: Row | null; // null for a new one
  preset: Values;
  options: Record<string, Option[]>; // what each reference can point to
  related: Related[];
  onClose: (outcome: 'saved' | 'removed' | null) => void;
}

type Errors = Record<string, string>;

export function Sheet({ section, row, preset, options, related, onClose }: Props) {
  const toast = useToast();
  const dialog = useRef<HTMLDialogElement>(null);
  const form = useRef<HTMLFormElement>(null);
  const outcome = useRef<'saved' | 'removed' | null>(null);
  const [drafts, setDrafts] = useState<Record<string, Draft>>(() => {
    const values: Values = { ...preset, ...row };
    return Object.fromEntries(section.fields.map((field) => [field.name, draftOf(field, values[field.name])]));
  });
  const [errors, setErrors] = useState<Errors>({});
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const [armed, setArmed] = useState(false);

  useEffect(() => {
    const element = dialog.current;
    if (!element || element.open) return;
    element.showModal();
    form.current?.querySelector<HTMLElement>('.fields input, .fields textarea, .fields select')?.focus();
  }, []);

  useEffect(() => {
    form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [errors]);

  const ordered = [...section.fields].sort((a, b) => Number(a.type === 'boolean') - Number(b.type === 'boolean'));
  const close = () => dialog.current?.close();

  function fail(fields: Errors, message: string) {
    setErrors(fields);
    setProblem(ordered.some((field) => fields[field.name]) ? '' : message);
  }

  async function attempt(what: () => Promise<unknown>, done: 'saved' | 'removed', said: string) {
    setBusy(true);
    try {
      await what();
      outcome.current = done;
      toast(said);
      close();
    } catch (failure) {
      fail(failure instanceof api.ApiError ? failure.fields : {}, api.messageOf(failure));
    } finally {
      setBusy(false);
    }
  }

  async function save(event: FormEvent) {
    event.preventDefault();
    const values: Values = Object.fromEntries(section.fields.map((field) => [field.name, valueOf(field, drafts[field.name] ?? '')]));
    const missing = section.fields.filter((field) => field.required && field.type !== 'boolean' && values[field.name] === null);
    if (missing.length > 0) {
      fail(Object.fromEntries(missing.map((field) => [field.name, `${field.label} is needed.`])), '');
      return;
    }
    if (row) await attempt(() => api.update(section.name, row.id, values), 'saved', 'Saved');
    else await attempt(() => api.create(section.name, values), 'saved', `${capital(section.one)} added`);
  }

  async function remove() {
    if (!armed || !row) setArmed(true);
    else await attempt(() => api.remove(section.name, row.id), 'removed', `${capital(section.one)} deleted`);
  }

  function submitOnCtrlEnter(event: KeyboardEvent<HTMLFormElement>) {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) event.currentTarget.requestSubmit();
  }

  return (
    <dialog className="sheet" id="sheet" aria-labelledby="sheet-title" ref={dialog} onClose={() => onClose(outcome.current)}
      onClick={(event) => { if (event.target === dialog.current) close(); }}>
      <form noValidate ref={form} onSubmit={(event) => void save(event)} onKeyDown={submitOnCtrlEnter}>
        <div className="sheet-head">
          <h2 id="sheet-title">{row ? `Edit ${section.one}` : `New ${section.one}`}</h2>
          <button className="icon-button" type="button" aria-label="Close" onClick={close}><Icon name="close" /></button>
        </div>
        <div className="sheet-body">
          <p className="form-error" role="alert">{problem}</p>
          <div className="fields">
            {ordered.map((field) => (
              <FieldInput key={field.name} field={field} value={drafts[field.name] ?? ''} error={errors[field.name]}
                options={options[field.name]} onChange={(value) => setDrafts((before) => ({ ...before, [field.name]: value }))} />
            ))}
          </div>
          {related.length > 0 && (
            <ul className="related">
              {related.map(({ text, open }) => (
                <li key={text}>
                  <button type="button" className="related-link" onClick={() => { close(); open(); }}>{text}<Icon name="arrow" /></button>
                </li>
              ))}
            </ul>
          )}
        </div>
        <div className="sheet-foot">
          {row && (
            <button className="button quiet danger" type="button" data-armed={armed ? 'yes' : undefined} disabled={busy}
              onClick={() => void remove()}>
              {armed ? 'Delete for good?' : 'Delete'}
            </button>
          )}
          <span className="grow" />
          <button className="button quiet" type="button" onClick={close}>Cancel</button>
          <button className="button primary" type="submit" disabled={busy}>{row ? 'Save' : `Add ${section.one}`}</button>
        </div>
      </form>
    </dialog>
  );
}
