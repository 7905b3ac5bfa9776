// The page: sections, search, filters and the list of one section. What it shows comes from schema.json and the API.

import * as api from './api.js';
import { h, icon, toast } from './dom.js';
import { openSheet } from './form.js';
import { ENDED, FINISHED, amount, capital, day, daysFromToday, fullDay, host, isDeadline, moment, number, tone } from './format.js';
import { begin } from './session.js';

const PAGE = 100;
const main = document.getElementById('main');
const state = { schema: null, resource: null, rows: [], total: 0, search: '', filters: {}, filterLabel: '', sort: 'newest', error: '', busy: true };
const references = new Map(); // resource name -> Map(id -> title)
let asked = 0;

// --- what a section looks like, read from its fields ---------------------------------------------------------------

function describe(resource) {
  const byType = (...types) => resource.fields.filter((field) => types.includes(field.type));
  const title = byType('text')[0] ?? byType('email', 'url', 'choice', 'reference', 'date', 'datetime', 'long_text')[0] ?? resource.fields[0];
  const booleans = byType('boolean');
  const tick = booleans.find((field) => FINISHED.test(field.name)) ?? null;
  return {
    ...resource,
    title,
    tick,
    flags: booleans.filter((field) => field !== tick && field !== title),
    body: byType('long_text').find((field) => field !== title) ?? null,
    numbers: byType('money', 'number', 'integer').filter((field) => field !== title),
    meta: resource.fields.filter((field) => field !== title && !['boolean', 'long_text', 'money', 'number', 'integer'].includes(field.type)),
  };
}

const resourceNamed = (name) => state.schema.resources.find((resource) => resource.name === name);
const titleOf = (resource, row) => text(resource, resource.title, row[resource.title.name]) || `${capital(resource.one)} ${row.id}`;

function text(resource, field, value) {
  if (value === null || value === undefined || value === '') return '';
  if (field.type === 'reference') return references.get(field.references)?.get(value) ?? `#${value}`;
  if (field.type === 'date') return day(value);
  if (field.type === 'datetime') return moment(value);
  if (field.type === 'money') return amount(value);
  if (field.type === 'number' || field.type === 'integer') return number(value);
  if (field.type === 'choice') return capital(value);
  if (field.type === 'boolean') return value ? field.label : '';
  return String(value);
}

// --- loading -------------------------------------------------------------------------------------------------------

async function loadReferences(resource) {
  const names = new Set(resource.fields.filter((field) => field.type === 'reference').map((field) => field.references));
  await Promise.all([...names].map(async (name) => {
    const target = resourceNamed(name);
    const { rows } = await api.list(name, { limit: 500 });
    references.set(name, new Map(rows.map((row) => [row.id, titleOf(target, row)])));
  }));
}

async function load({ more = false } = {}) {
  const turn = ++asked;
  const { resource } = state;
  state.busy = true;
  state.error = '';
  if (!more) renderList();
  try {
    await loadReferences(resource);
    const { rows, total } = await api.list(resource.name, { search: state.search, filters: state.filters, limit: PAGE, offset: more ? state.rows.length : 0 });
    if (turn !== asked) return;
    state.rows = more ? [...state.rows, ...rows] : rows;
    state.total = total;
  } catch (error) {
    if (turn !== asked) return;
    state.error = error.message;
  }
  state.busy = false;
  renderList();
}

function sorted() {
  const field = state.resource.fields.find((candidate) => candidate.name === state.sort);
  if (!field) return state.rows;
  const key = (row) => (field.type === 'choice' ? field.choices.indexOf(row[field.name]) : row[field.name]);
  const empty = (row) => row[field.name] === null || row[field.name] === '';
  return [...state.rows].sort((a, b) => {
    if (empty(a) || empty(b)) return Number(empty(a)) - Number(empty(b));
    const [x, y] = [key(a), key(b)];
    return typeof x === 'string' ? x.localeCompare(y) : x - y;
  });
}

// --- rows ----------------------------------------------------------------------------------------------------------

function chip(resource, field, row) {
  const value = row[field.name];
  const shown = text(resource, field, value);
  if (!shown) return null;
  if (field.type === 'choice') return h('span', { class: `chip ${tone(value, field.choices.indexOf(value))}`, title: field.label }, shown);
  if (field.type === 'url') return h('a', { class: 'meta-link', href: value, target: '_blank', rel: 'noreferrer noopener' }, icon('link'), host(value));
  if (field.type === 'email') return h('a', { class: 'meta-link', href: `mailto:${value}` }, value);
  if (field.type === 'date') {
    const late = isDeadline(field) && daysFromToday(value) < 0 && !(resource.tick && row[resource.tick.name]);
    const days = -daysFromToday(value);
    return h('span', { class: late ? 'chip tone-bad' : 'meta', title: `${field.label}: ${fullDay(value)}` }, icon('calendar'),
      late ? `Overdue ${days} ${days === 1 ? 'day' : 'days'}` : shown);
  }
  if (field.type === 'datetime') return h('span', { class: 'meta', title: field.label }, icon('calendar'), shown);
  return h('span', { class: 'meta', title: field.label }, shown);
}

function figure(field, row) {
  const value = row[field.name];
  if (value === null || value === undefined) return null;
  if (field.name === 'rating' && value >= 0 && value <= 5) {
    return h('span', { class: 'stars', role: 'img', 'aria-label': `${field.label}: ${value} of 5` }, '★'.repeat(value), h('span', { class: 'dim' }, '★'.repeat(5 - value)));
  }
  return h('span', { class: `figure figure-${field.type}` }, h('span', { class: 'figure-label' }, field.label), field.type === 'money' ? amount(value) : number(value));
}

function renderRow(row) {
  const { resource } = state;
  const finished = resource.tick && row[resource.tick.name];
  const name = titleOf(resource, row);
  const tick = resource.tick && h('input', { type: 'checkbox', class: 'tick', checked: finished === true, 'aria-label': `${resource.tick.label}: ${name}`,
    onchange: (event) => change(row, { [resource.tick.name]: event.target.checked }) });
  const chips = resource.meta.map((field) => chip(resource, field, row));
  const flags = resource.flags.map((field) => h('label', { class: 'flag' },
    h('input', { type: 'checkbox', class: 'switch small', role: 'switch', checked: row[field.name] === true, 'aria-label': `${field.label}: ${name}`,
      onchange: (event) => change(row, { [field.name]: event.target.checked }) }), field.label));
  const details = [...chips, ...flags].filter(Boolean);
  const body = resource.body && row[resource.body.name];
  const figures = resource.numbers.slice(0, 3).map((field) => figure(field, row)).filter(Boolean);
  return h('li', { class: `row${finished ? ' finished' : ''}${finished && ENDED.test(resource.tick.name) ? ' ended' : ''}`, 'data-id': String(row.id) },
    tick,
    h('div', { class: 'row-main' },
      h('button', { class: 'row-title', type: 'button', onclick: () => edit(row) }, name),
      body ? h('p', { class: 'row-body' }, body) : null,
      details.length ? h('div', { class: 'row-meta' }, details) : null),
    figures.length ? h('div', { class: 'figures' }, figures) : null);
}

function replaceRow(row) {
  state.rows = state.rows.map((other) => (other.id === row.id ? row : other));
  const element = main.querySelector(`[data-id="${row.id}"]`);
  if (!element) return;
  const focused = element.contains(document.activeElement) ? [...element.querySelectorAll('input, button')].indexOf(document.activeElement) : -1;
  const fresh = renderRow(row);
  element.replaceWith(fresh);
  if (focused >= 0) fresh.querySelectorAll('input, button')[focused]?.focus();
  renderSummary();
}

async function change(row, values) {
  replaceRow({ ...row, ...values });
  try {
    replaceRow(await api.update(state.resource.name, row.id, values));
  } catch (error) {
    replaceRow(row);
    toast(Object.values(error.fields)[0] ?? error.message, 'bad');
  }
}

// --- the sheet -----------------------------------------------------------------------------------------------------

async function optionsFor(field, current) {
  const target = resourceNamed(field.references);
  const { rows } = await api.list(target.name, { limit: 500 });
  const entries = rows.map((row) => [row.id, titleOf(target, row)]);
  if (current && !entries.some(([id]) => id === current)) entries.unshift([current, `#${current}`]);
  return entries;
}

async function relatedTo(row) {
  const links = state.schema.resources.flatMap((other) => other.fields
    .filter((field) => field.type === 'reference' && field.references === state.resource.name)
    .map((field) => ({ other, field })));
  return Promise.all(links.map(async ({ other, field }) => {
    const { total } = await api.list(other.name, { filters: { [field.name]: row.id }, limit: 1 });
    const title = titleOf(state.resource, row);
    return { text: `${other.label} (${total})`, open: () => show(other, { filters: { [field.name]: String(row.id) }, filterLabel: `${field.label}: ${title}` }) };
  }));
}

async function edit(row, preset = {}) {
  const { resource } = state;
  const fixed = Object.fromEntries(resource.fields.filter((field) => field.type === 'reference' && state.filters[field.name])
    .map((field) => [field.name, Number(state.filters[field.name])]));
  let outcome;
  try {
    outcome = await openSheet({ resource, row, preset: { ...fixed, ...preset }, optionsFor, related: row ? await relatedTo(row) : [] });
  } catch (error) {
    toast(error.message, 'bad');
    return;
  }
  if (outcome) await load();
  const target = row ? main.querySelector(`[data-id="${row.id}"] .row-title`) : main.querySelector('#quick');
  target?.focus();
}

async function quickAdd(event) {
  event.preventDefault();
  const input = event.target.elements.quick;
  const value = input.value.trim();
  const { resource } = state;
  const preset = value ? { [resource.title.name]: value } : {};
  const simple = resource.title.type === 'text' && !resource.fields.some((field) => field.required && field !== resource.title && field.type !== 'boolean');
  if (!value || !simple) {
    input.value = '';
    await edit(null, preset);
    return;
  }
  const filtered = Object.fromEntries(Object.entries(state.filters).filter(([name]) => resource.fields.find((field) => field.name === name)?.type !== 'boolean'));
  try {
    await api.create(resource.name, { ...filtered, ...preset });
    toast(`${capital(resource.one)} added`);
    input.value = '';
    await load();
    main.querySelector('#quick')?.focus();
  } catch (error) {
    toast(Object.values(error.fields)[0] ?? error.message, 'bad');
  }
}

// --- drawing -------------------------------------------------------------------------------------------------------

function renderFrame() {
  const { resource } = state;
  document.getElementById('tabs').replaceChildren(...(state.schema.resources.length < 2 ? [] : state.schema.resources.map((other) =>
    h('a', { class: 'tab', href: `#/${other.name}`, 'aria-current': other === resource ? 'page' : null }, other.label))));

  const narrow = (filters, filterLabel = '') => { state.filters = filters; state.filterLabel = filterLabel; renderFilters(); load(); };
  const options = [];
  if (resource.tick) {
    options.push({ label: capital(openWord(resource.tick)), filters: { [resource.tick.name]: 'false' } }, { label: resource.tick.label, filters: { [resource.tick.name]: 'true' } });
  }
  const choice = resource.fields.find((field) => field.type === 'choice');
  if (choice && choice.choices.length <= 6) options.push(...choice.choices.map((value) => ({ label: capital(value), filters: { [choice.name]: value } })));

  const filters = h('div', { class: 'filters', role: 'group', 'aria-label': 'Filter' });
  function renderFilters() {
    const same = (other) => JSON.stringify(other) === JSON.stringify(state.filters);
    const buttons = [{ label: 'All', filters: {} }, ...options].map((option) =>
      h('button', { type: 'button', class: 'filter', 'aria-pressed': String(same(option.filters)), onclick: () => narrow(option.filters) }, option.label));
    if (state.filterLabel) {
      buttons.push(h('button', { type: 'button', class: 'filter', 'aria-pressed': 'true', 'aria-label': `Remove the filter ${state.filterLabel}`, onclick: () => narrow({}) }, state.filterLabel, icon('close')));
    }
    filters.replaceChildren(...(options.length || state.filterLabel ? buttons : []));
  }
  renderFilters();

  let typing;
  const search = h('input', { type: 'search', id: 'search', placeholder: `Search ${resource.label.toLowerCase()}`, 'aria-label': `Search ${resource.label.toLowerCase()}`, value: state.search,
    oninput: (event) => { clearTimeout(typing); typing = setTimeout(() => { state.search = event.target.value.trim(); load(); }, 180); } });
  const sortable = resource.fields.filter((field) => !['long_text', 'boolean', 'reference'].includes(field.type));
  const sort = h('select', { class: 'sort', 'aria-label': 'Sort by', onchange: (event) => { state.sort = event.target.value; renderList(); } },
    h('option', { value: 'newest' }, 'Newest first'), sortable.map((field) => h('option', { value: field.name }, field.label)));
  sort.value = state.sort;

  main.replaceChildren(
    h('div', { class: 'toolbar' },
      h('div', { class: 'search' }, icon('search'), search),
      sort,
      h('button', { class: 'button primary', type: 'button', id: 'new', 'aria-label': `New ${resource.one}`, onclick: () => edit(null) }, icon('plus'), h('span', {}, 'New'))),
    filters,
    h('section', { class: 'panel', 'aria-label': resource.label },
      h('form', { class: 'quick', onsubmit: quickAdd },
        icon('plus'), h('input', { id: 'quick', name: 'quick', autocomplete: 'off', maxlength: '500', placeholder: `Add ${article(resource.one)} ${resource.one}…`, 'aria-label': `Add ${article(resource.one)} ${resource.one}` })),
      h('div', { id: 'list' })),
    h('p', { class: 'summary', id: 'summary', 'aria-live': 'polite' }));
}

const openWord = (tick) => (ENDED.test(tick.name) ? 'open' : `not ${tick.label.toLowerCase()}`);
const article = (word) => (/^[aeiou]/i.test(word) ? 'an' : 'a');

function renderList() {
  const area = document.getElementById('list');
  const { resource } = state;
  area.setAttribute('aria-busy', String(state.busy));
  if (state.error) {
    area.replaceChildren(h('div', { class: 'empty', role: 'alert' }, h('h2', {}, 'That did not load'), h('p', {}, state.error),
      h('button', { class: 'button', type: 'button', onclick: () => load() }, 'Try again')));
  } else if (state.busy && state.rows.length === 0) {
    area.replaceChildren(h('ul', { class: 'rows skeletons', 'aria-label': 'Loading' }, [64, 48, 56].map((width) => h('li', { class: 'row' }, h('span', { class: `bone bone-${width}` })))));
  } else if (state.rows.length === 0) {
    const narrowed = state.search || Object.keys(state.filters).length;
    area.replaceChildren(h('div', { class: 'empty' }, h('span', { class: 'empty-mark' }, icon(narrowed ? 'search' : 'box')),
      h('h2', {}, narrowed ? 'Nothing matches' : `No ${resource.label.toLowerCase()} yet`),
      h('p', {}, narrowed ? 'Try another word, or show all.' : `Type above and press Enter to add the first ${resource.one}.`)));
  } else {
    area.replaceChildren(
      h('ul', { class: 'rows' }, sorted().map(renderRow)),
      state.rows.length < state.total ? h('div', { class: 'more' }, h('button', { class: 'button quiet', type: 'button', onclick: () => load({ more: true }) }, `Show more (${number(state.total - state.rows.length)})`)) : '');
  }
  renderSummary();
}

function renderSummary() {
  const { resource, rows, total } = state;
  const parts = [];
  if (rows.length) {
    parts.push(`${number(total)} ${total === 1 ? resource.one : resource.label.toLowerCase()}`);
    if (rows.length === total) {
      const due = resource.fields.find(isDeadline);
      const late = due ? rows.filter((row) => row[due.name] && daysFromToday(row[due.name]) < 0 && !(resource.tick && row[resource.tick.name])).length : 0;
      if (resource.tick) parts.push(`${number(rows.filter((row) => !row[resource.tick.name]).length)} ${openWord(resource.tick)}`);
      if (late) parts.push(`${number(late)} overdue`);
      for (const field of resource.numbers.filter((candidate) => candidate.type === 'money')) {
        parts.push(`${field.label} ${amount(rows.reduce((sum, row) => sum + (row[field.name] ?? 0), 0))} in all`);
      }
    }
  }
  document.getElementById('summary').textContent = parts.join(' · ');
}

// --- start ---------------------------------------------------------------------------------------------------------

function show(resource, { filters = {}, filterLabel = '' } = {}) {
  Object.assign(state, { resource, rows: [], total: 0, search: '', filters, filterLabel, sort: 'newest' });
  if (location.hash !== `#/${resource.name}`) history.pushState(null, '', `#/${resource.name}`);
  renderFrame();
  load();
}

function route() {
  const wanted = decodeURIComponent(location.hash.replace(/^#\//, ''));
  show(resourceNamed(wanted) ?? state.schema.resources[0]);
}

function themeButton() {
  const button = document.getElementById('theme');
  const root = document.documentElement;
  const dark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches);
  const draw = () => button.replaceChildren(icon(dark() ? 'sun' : 'moon'));
  const kept = localStorage.getItem('theme');
  if (kept) root.dataset.theme = kept;
  button.addEventListener('click', () => {
    root.dataset.theme = dark() ? 'light' : 'dark';
    localStorage.setItem('theme', root.dataset.theme);
    draw();
  });
  draw();
}

document.addEventListener('keydown', (event) => {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? '') || document.querySelector('dialog[open]');
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === '/') { event.preventDefault(); document.getElementById('search')?.focus(); }
  if (event.key === 'n') { event.preventDefault(); document.getElementById('new')?.click(); }
});

function failed(error) {
  main.replaceChildren(h('div', { class: 'empty', role: 'alert' }, h('h2', {}, 'That did not load'), h('p', {}, error.message),
    h('button', { class: 'button', type: 'button', onclick: start }, 'Try again')));
}

async function start() {
  try {
    const schema = await api.schema();
    schema.resources = schema.resources.map(describe);
    state.schema = schema;
  } catch (error) {
    failed(error);
    return;
  }
  document.title = state.schema.title;
  document.getElementById('title').textContent = state.schema.title;
  document.getElementById('mark').textContent = [...state.schema.title][0]?.toUpperCase() ?? '';
  if (state.schema.theme && !localStorage.getItem('theme')) document.documentElement.dataset.theme = state.schema.theme;
  if (state.schema.authentication) {
    try {
      await begin(state.schema.title);
    } catch (error) {
      failed(error);
      return;
    }
  }
  if (state.schema.resources.length === 0) {
    main.replaceChildren(h('div', { class: 'empty' }, h('span', { class: 'empty-mark' }, icon('box')), h('h2', {}, 'Nothing here yet'), h('p', {}, 'This app has no sections. Describe what it should keep.')));
    return;
  }
  window.addEventListener('hashchange', route);
  route();
}

themeButton();
start();
