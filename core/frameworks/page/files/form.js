// The sheet that creates, edits and deletes one record. `openSheet` resolves when it has closed.

import * as api from './api.js';
import { h, icon, toast } from './dom.js';
import { capital, fromLocalInput, toLocalInput } from './format.js';

const sheet = document.getElementById('sheet');
const INPUTS = { text: 'text', email: 'email', url: 'url', date: 'date', datetime: 'datetime-local', integer: 'number', number: 'number', money: 'number' };

function control(field, value, options) {
  const common = { id: `field-${field.name}`, name: field.name, 'aria-describedby': `error-${field.name}`, required: field.required };
  if (field.type === 'boolean') return h('input', { ...common, type: 'checkbox', role: 'switch', class: 'switch', checked: value === true, required: false });
  if (field.type === 'long_text') return h('textarea', { ...common, rows: '4', maxlength: '20000' }, value ?? '');
  if (field.type === 'choice' || field.type === 'reference') {
    const entries = field.type === 'choice' ? field.choices.map((choice) => [choice, capital(choice)]) : options;
    const select = h('select', common, h('option', { value: '' }, field.required ? 'Choose…' : 'None'),
      entries.map(([key, text]) => h('option', { value: String(key) }, text)));
    select.value = value === null || value === undefined ? '' : String(value);
    return select;
  }
  const input = h('input', { ...common, type: INPUTS[field.type] ?? 'text', autocomplete: 'off' });
  if (field.type === 'integer') input.step = '1';
  if (field.type === 'number') input.step = 'any';
  if (field.type === 'money') { input.step = '0.01'; input.inputMode = 'decimal'; }
  if (field.type === 'text') input.maxLength = 500;
  if (field.type === 'url') input.placeholder = 'https://';
  if (value !== null && value !== undefined) input.value = field.type === 'datetime' ? toLocalInput(value) : String(value);
  return input;
}

function valueOf(field, element) {
  if (field.type === 'boolean') return element.checked;
  const text = element.value.trim();
  if (text === '') return null;
  if (['integer', 'number', 'money', 'reference'].includes(field.type)) return Number(text);
  if (field.type === 'datetime') return fromLocalInput(text);
  return text;
}

function showErrors(form, error) {
  form.querySelectorAll('.error').forEach((element) => { element.textContent = ''; });
  form.querySelectorAll('[aria-invalid]').forEach((element) => element.removeAttribute('aria-invalid'));
  let first = null;
  for (const [name, message] of Object.entries(error.fields)) {
    const element = form.elements.namedItem(name);
    if (!element) continue;
    document.getElementById(`error-${name}`).textContent = message;
    element.setAttribute('aria-invalid', 'true');
    first ??= element;
  }
  form.querySelector('.form-error').textContent = first ? '' : error.message;
  first?.focus();
}

export async function openSheet({ resource, row = null, preset = {}, optionsFor, related = [] }) {
  const options = {};
  for (const field of resource.fields.filter((f) => f.type === 'reference')) options[field.name] = await optionsFor(field, row?.[field.name]);
  const values = { ...preset, ...row };
  const controls = new Map(resource.fields.map((field) => [field, control(field, values[field.name], options[field.name])]));

  const ordered = [...resource.fields].sort((a, b) => Number(a.type === 'boolean') - Number(b.type === 'boolean'));
  const fields = ordered.map((field) => {
    const label = h('label', { for: `field-${field.name}` }, field.label, field.required ? h('span', { class: 'required', 'aria-hidden': 'true' }, ' *') : null);
    const hint = field.type === 'reference' && options[field.name].length === 0 ? h('p', { class: 'hint' }, 'Nothing to choose from yet.') : null;
    const wide = ['text', 'long_text', 'url', 'email', 'reference'].includes(field.type) ? ' wide' : '';
    return h('div', { class: `field field-${field.type}${wide}` }, label, controls.get(field), hint, h('p', { class: 'error', id: `error-${field.name}` }));
  });

  return new Promise((resolve) => {
    let outcome = null;
    const save = h('button', { class: 'button primary', type: 'submit' }, row ? 'Save' : `Add ${resource.one}`);
    const remove = row && h('button', { class: 'button quiet danger', type: 'button', onclick: confirmRemoval }, 'Delete');
    const form = h('form', { novalidate: true, onsubmit: submit, onkeydown: submitOnCtrlEnter },
      h('div', { class: 'sheet-head' },
        h('h2', { id: 'sheet-title' }, row ? `Edit ${resource.one}` : `New ${resource.one}`),
        h('button', { class: 'icon-button', type: 'button', 'aria-label': 'Close', onclick: () => sheet.close() }, icon('close'))),
      h('div', { class: 'sheet-body' },
        h('p', { class: 'form-error', role: 'alert' }),
        h('div', { class: 'fields' }, fields),
        related.length ? h('ul', { class: 'related' }, related.map(({ text, open }) =>
          h('li', {}, h('button', { type: 'button', class: 'related-link', onclick: () => { sheet.close(); open(); } }, text, icon('arrow'))))) : null),
      h('div', { class: 'sheet-foot' }, remove, h('span', { class: 'grow' }),
        h('button', { class: 'button quiet', type: 'button', onclick: () => sheet.close() }, 'Cancel'), save));

    async function submit(event) {
      event.preventDefault();
      const body = Object.fromEntries([...controls].map(([field, element]) => [field.name, valueOf(field, element)]));
      const missing = resource.fields.filter((field) => field.required && field.type !== 'boolean' && body[field.name] === null);
      if (missing.length) {
        showErrors(form, { message: '', fields: Object.fromEntries(missing.map((field) => [field.name, `${field.label} is needed.`])) });
        return;
      }
      save.disabled = true;
      try {
        outcome = row ? await api.update(resource.name, row.id, body) : await api.create(resource.name, body);
        toast(row ? 'Saved' : `${capital(resource.one)} added`);
        sheet.close();
      } catch (error) {
        showErrors(form, error);
      } finally {
        save.disabled = false;
      }
    }

    function submitOnCtrlEnter(event) {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) form.requestSubmit();
    }

    async function confirmRemoval() {
      if (!remove.dataset.armed) {
        remove.dataset.armed = 'yes';
        remove.textContent = 'Delete for good?';
        return;
      }
      remove.disabled = true;
      try {
        await api.remove(resource.name, row.id);
        outcome = 'removed';
        toast(`${capital(resource.one)} deleted`);
        sheet.close();
      } catch (error) {
        remove.disabled = false;
        showErrors(form, error);
      }
    }

    sheet.replaceChildren(form);
    sheet.addEventListener('close', () => { sheet.replaceChildren(); resolve(outcome); }, { once: true });
    sheet.onclick = (event) => { if (event.target === sheet) sheet.close(); };
    sheet.showModal();
    form.querySelector('.fields input, .fields textarea, .fields select')?.focus();
  });
}
