// Accounts, where the app has them: the sign-in view, who is signed in, and signing in again when a session has ended.

import * as api from './api.js';
import { h, icon } from './dom.js';

const SHORTEST = 10;
let user = null;
let asking = null; // the promise of a sign-in under way
let title = 'App';

const FIELDS = {
  name: { label: 'Name', type: 'text', autocomplete: 'name', maxlength: '100' },
  email: { label: 'Email', type: 'email', autocomplete: 'username', maxlength: '254', inputmode: 'email', autocapitalize: 'none', spellcheck: 'false' },
  password: { label: 'Password', type: 'password', maxlength: '200' },
};

/** What the view says for signing in, for a new account, and for the very first account. */
const WORDS = {
  signin: { title: () => `Sign in to ${title}`, lead: 'Welcome back.', button: 'Sign in', names: ['email', 'password'] },
  register: { title: () => 'Create your account', lead: () => `You are signed in to ${title} right away.`, button: 'Create account', names: ['name', 'email', 'password'] },
  first: { title: () => `Welcome to ${title}`, lead: 'Nobody has an account yet. The first one is the administrator’s.', button: 'Create account', names: ['name', 'email', 'password'] },
  again: { title: () => 'Sign in again', lead: 'Your session has ended. What you were doing is still here.', button: 'Sign in', names: ['email', 'password'] },
};

/** Resolves when somebody is signed in; shows the sign-in view as long as nobody is. */
export async function begin(appTitle) {
  title = appTitle;
  api.whenSignedOut(() => signIn('again'));
  user = await api.me().catch((error) => {
    if (error.status !== 401) throw error;
    return signIn(error.data?.registration === 'first' ? 'first' : 'signin', error.data?.registration);
  });
  showUser();
}

function showUser() {
  const initials = user.name.split(/\s+/).map((word) => [...word][0]).filter(Boolean);
  document.getElementById('who').replaceChildren(
    h('span', { class: 'avatar', 'aria-hidden': 'true' }, [initials[0], initials.length > 1 ? initials.at(-1) : ''].join('').toUpperCase()),
    h('span', { class: 'who-name', title: user.email }, user.name),
    h('button', { class: 'button quiet', type: 'button', id: 'signout', 'aria-label': 'Sign out', title: 'Sign out', onclick: signOut }, icon('leave'), h('span', {}, 'Sign out')));
}

async function signOut() {
  await api.signOut().catch(() => {});
  location.reload();
}

/** One view at a time, whoever asks for it. */
function signIn(mode, registration = 'open') {
  asking ??= view(mode, registration).finally(() => { asking = null; });
  return asking;
}

function control(name, mode) {
  const { label, ...attributes } = FIELDS[name];
  const input = h('input', { id: `signin-${name}`, name, required: true, 'aria-describedby': `error-signin-${name}`, ...attributes });
  const lines = [h('p', { class: 'error', id: `error-signin-${name}` })];
  let box = input;
  if (name === 'password') {
    const fresh = mode === 'register' || mode === 'first';
    input.autocomplete = fresh ? 'new-password' : 'current-password';
    if (fresh) lines.unshift(h('p', { class: 'hint', id: 'signin-hint' }, `At least ${SHORTEST} characters. A short sentence is easy to remember.`));
    const reveal = h('button', { class: 'icon-button reveal', type: 'button', 'aria-label': 'Show the password', 'aria-pressed': 'false' }, icon('eye'));
    reveal.addEventListener('click', () => {
      const shown = input.type === 'text';
      input.type = shown ? 'password' : 'text';
      reveal.setAttribute('aria-pressed', String(!shown));
      input.focus();
    });
    box = h('div', { class: 'password' }, input, reveal);
  }
  return h('div', { class: 'field' }, h('label', { for: `signin-${name}` }, label), box, lines);
}

function view(first, registration) {
  const dialog = h('dialog', { class: 'signin', id: 'signin', 'aria-labelledby': 'signin-title' });
  document.body.append(dialog);
  dialog.addEventListener('cancel', (event) => event.preventDefault());
  const before = document.activeElement;

  return new Promise((resolve) => {
    function draw(mode, typed = {}) {
      const words = WORDS[mode];
      const error = h('p', { class: 'form-error', role: 'alert' });
      const button = h('button', { class: 'button primary', type: 'submit' }, words.button);
      const form = h('form', { class: 'signin-form', novalidate: true, onsubmit: submit }, error, words.names.map((name) => control(name, mode)), button);
      const toggle = h('button', { class: 'link', type: 'button', onclick: () => draw(mode === 'register' ? 'signin' : 'register', { email: form.elements.email.value }) },
        mode === 'register' ? 'Sign in' : 'Create an account');
      const other = mode === 'register' ? ['Have an account? ', toggle] : ['New here? ', toggle];
      dialog.replaceChildren(h('div', { class: 'signin-card' },
        h('span', { class: 'mark signin-mark', 'aria-hidden': 'true' }, [...title][0]?.toUpperCase() ?? ''),
        h('h2', { class: 'signin-title', id: 'signin-title' }, words.title()),
        h('p', { class: 'signin-lead' }, typeof words.lead === 'function' ? words.lead() : words.lead),
        form,
        registration === 'open' && mode !== 'again' ? h('p', { class: 'signin-switch' }, other) : null));
      for (const [name, value] of Object.entries(typed)) form.elements[name].value = value;
      if (mode === 'again' && user) form.elements.email.value = user.email;
      (words.names.map((name) => form.elements[name]).find((input) => !input.value) ?? form.elements.password).focus();

      function fail({ message = '', fields = {} }) {
        let wrong = null;
        for (const name of words.names) {
          const input = form.elements[name];
          document.getElementById(`error-signin-${name}`).textContent = fields[name] ?? '';
          input.toggleAttribute('aria-invalid', false);
          if (fields[name]) input.setAttribute('aria-invalid', 'true');
          if (fields[name]) wrong ??= input;
        }
        error.textContent = wrong ? '' : message;
        if (!wrong && message) wrong = form.elements.password;
        wrong?.focus();
        return wrong !== null;
      }

      async function submit(event) {
        event.preventDefault();
        const values = Object.fromEntries(words.names.map((name) => [name, name === 'password' ? form.elements[name].value : form.elements[name].value.trim()]));
        const missing = words.names.filter((name) => !values[name]).map((name) => [name, `${FIELDS[name].label} is needed.`]);
        if (fail({ fields: Object.fromEntries(missing) })) return;
        button.disabled = true;
        try {
          const next = await (words.names.includes('name') ? api.register(values) : api.signIn(values));
          // Somebody else: nothing of what is on the page is theirs.
          if (user && user.id !== next.id) { location.reload(); return; }
          dialog.close();
          dialog.remove();
          before?.focus?.();
          resolve(next);
        } catch (failure) {
          fail(failure);
          if (failure.status === 401) form.elements.password.select();
        } finally {
          button.disabled = false;
        }
      }
    }
    dialog.showModal();
    draw(first);
  });
}
