// The sign-in view: for signing in, for a new account, for the very first account, and for signing in again.

import { useEffect, useRef, useState, type FormEvent, type InputHTMLAttributes } from 'react';

import * as api from './api';
import { initial } from './format';
import { Icon } from './Icon';

export interface User { id: number; name: string; email: string; is_admin: boolean }
export type Mode = 'signin' | 'register' | 'first' | 'again';

type Name = 'name' | 'email' | 'password';
type Texts = Partial<Record<Name, string>>;

const SHORTEST = 10;
const LABELS: Record<Name, string> = { name: 'Name', email: 'Email', password: 'Password' };
const CONTROLS: Record<Name, InputHTMLAttributes<HTMLInputElement>> = {
  name: { type: 'text', autoComplete: 'name', maxLength: 100 },
  email: { type: 'email', autoComplete: 'username', maxLength: 254, inputMode: 'email', autoCapitalize: 'none', spellCheck: false },
  password: { maxLength: 200 },
};

function wordsFor(mode: Mode, title: string): { title: string; lead: string; button: string } {
  switch (mode) {
    case 'signin': return { title: `Sign in to ${title}`, lead: 'Welcome back.', button: 'Sign in' };
    case 'register':
      return { title: 'Create your account', lead: `It takes a moment, then ${title} is yours to use.`, button: 'Create account' };
    case 'first':
      return { title: `Welcome to ${title}`, lead: 'Nobody has an account yet. The first one is the administrator’s.', button: 'Create account' };
    case 'again': return { title: 'Sign in again', lead: 'Your session has ended. What you were doing is still here.', button: 'Sign in' };
  }
}

interface Props {
  title: string;
  mode: Mode;
  canRegister: boolean;
  email: string; // of whoever was signed in
  onSignedIn: (user: User) => void;
}

export function SignIn({ title, mode: first, canRegister, email, onSignedIn }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const form = useRef<HTMLFormElement>(null);
  const [mode, setMode] = useState(first);
  const [values, setValues] = useState<Record<Name, string>>({ name: '', email, password: '' });
  const [errors, setErrors] = useState<Texts>({});
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);

  const isNew = mode === 'register' || mode === 'first';
  const names: Name[] = isNew ? ['name', 'email', 'password'] : ['email', 'password'];
  const words = wordsFor(mode, title);
  const input = (name: Name) => form.current?.querySelector<HTMLInputElement>(`[name="${name}"]`);

  useEffect(() => {
    if (dialog.current && !dialog.current.open) dialog.current.showModal();
    const inputs = [...(form.current?.querySelectorAll<HTMLInputElement>('input') ?? [])];
    (inputs.find((candidate) => !candidate.value) ?? inputs.at(-1))?.focus();
  }, [mode]);

  function fail(fields: Texts, message: string) {
    const wrong = names.find((name) => fields[name]);
    setErrors(fields);
    setProblem(wrong ? '' : message);
    input(wrong ?? 'password')?.focus();
  }

  async function submit(event: FormEvent) {
    event.preventDefault();
    const sent = { ...Object.fromEntries(names.map((name) => [name, values[name].trim()])), password: values.password };
    const missing = names.filter((name) => values[name].trim() === '');
    if (missing.length > 0) {
      fail(Object.fromEntries(missing.map((name) => [name, `${LABELS[name]} is needed.`])), '');
      return;
    }
    setBusy(true);
    try {
      const response = await api.call('POST', isNew ? 'auth/register' : 'auth/login', sent);
      const user = (await response.json()) as User;
      dialog.current?.close();
      onSignedIn(user);
    } catch (failure) {
      fail(failure instanceof api.ApiError ? failure.fields : {}, api.messageOf(failure));
      if (failure instanceof api.ApiError && failure.status === 401) input('password')?.select();
    } finally {
      setBusy(false);
    }
  }

  function change(next: Mode) {
    setMode(next);
    setErrors({});
    setProblem('');
    setValues((before) => ({ ...before, password: '' }));
  }

  return (
    <dialog className="signin" id="signin" aria-labelledby="signin-title" ref={dialog} onCancel={(event) => event.preventDefault()}>
      <div className="signin-card">
        <span className="mark signin-mark" aria-hidden="true">{initial(title)}</span>
        <h2 className="signin-title" id="signin-title">{words.title}</h2>
        <p className="signin-lead">{words.lead}</p>
        <form className="signin-form" noValidate ref={form} key={mode} onSubmit={(event) => void submit(event)}>
          <p className="form-error" role="alert">{problem}</p>
          {names.map((name) => (
            <Control key={name} name={name} isNew={isNew} value={values[name]} error={errors[name] ?? ''}
              onChange={(value) => setValues((before) => ({ ...before, [name]: value }))} />
          ))}
          <button className="button primary" type="submit" disabled={busy}>{words.button}</button>
        </form>
        {canRegister && mode !== 'again' && (
          <p className="signin-switch">
            {isNew ? 'Have an account? ' : 'New here? '}
            <button className="link" type="button" onClick={() => change(isNew ? 'signin' : 'register')}>
              {isNew ? 'Sign in' : 'Create an account'}
            </button>
          </p>
        )}
      </div>
    </dialog>
  );
}

interface ControlProps { name: Name; isNew: boolean; value: string; error: string; onChange: (value: string) => void }

function Control({ name, isNew, value, error, onChange }: ControlProps) {
  const common = {
    id: `signin-${name}`,
    name,
    value,
    required: true,
    'aria-describedby': `error-signin-${name}`,
    'aria-invalid': error !== '' || undefined,
    ...CONTROLS[name],
  };
  return (
    <div className="field">
      <label htmlFor={`signin-${name}`}>{LABELS[name]}</label>
      {name === 'password'
        ? <Password {...common} autoComplete={isNew ? 'new-password' : 'current-password'} onChange={(event) => onChange(event.target.value)} />
        : <input {...common} onChange={(event) => onChange(event.target.value)} />}
      {name === 'password' && isNew && (
        <p className="hint" id="signin-hint">{`At least ${SHORTEST} characters. A short sentence is easy to remember.`}</p>
      )}
      <p className="error" id={`error-signin-${name}`}>{error}</p>
    </div>
  );
}

function Password(attributes: InputHTMLAttributes<HTMLInputElement>) {
  const [shown, setShown] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  return (
    <div className="password">
      <input {...attributes} ref={input} type={shown ? 'text' : 'password'} />
      <button className="icon-button reveal" type="button" aria-label="Show the password" aria-pressed={shown}
        onClick={() => { setShown(!shown); input.current?.focus(); }}>
        <Icon name="eye" />
      </button>
    </div>
  );
}
