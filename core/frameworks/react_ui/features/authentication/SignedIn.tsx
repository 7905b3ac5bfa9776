// Accounts: what is inside is shown to whoever is signed in; everybody else gets the sign-in view. When a session ends, the view comes
// again over the page, and what was refused meanwhile is sent once more.

import { useCallback, useEffect, useRef, useState, type ReactNode } from 'react';

import * as api from './api';
import { Icon } from './Icon';
import { SignIn, type Mode, type User } from './SignIn';

interface Props {
  title: string;
  children: (account: ReactNode) => ReactNode; // gets who is signed in and the way out, for the header
}

interface Question { mode: Mode; canRegister: boolean }

export function SignedIn({ title, children }: Props) {
  const [user, setUser] = useState<User | null>(null);
  const [question, setQuestion] = useState<Question | null>(null);
  const [error, setError] = useState('');
  const waiting = useRef<(() => void)[]>([]); // for somebody to be signed in again

  const begin = useCallback(async () => {
    setError('');
    try {
      setUser((await (await api.call('GET', 'auth/me')).json()) as User);
    } catch (failure) {
      if (!(failure instanceof api.ApiError) || failure.status !== 401) {
        setError(api.messageOf(failure));
        return;
      }
      const { registration = 'open' } = failure.problem;
      setQuestion({ mode: registration === 'first' ? 'first' : 'signin', canRegister: registration === 'open' });
    }
  }, []);

  useEffect(() => {
    void begin();
    api.whenSignedOut(() => new Promise((resolve) => {
      waiting.current.push(resolve);
      setQuestion({ mode: 'again', canRegister: false });
    }));
    return () => api.whenSignedOut(null);
  }, [begin]);

  function answered(next: User) {
    // Somebody else: nothing of what is on the page is theirs.
    if (user && user.id !== next.id) {
      location.reload();
      return;
    }
    setUser(next);
    setQuestion(null);
    waiting.current.splice(0).forEach((resolve) => resolve());
  }

  return (
    <>
      {user && children(<Account user={user} />)}
      {!user && !question && (
        <main className="wrap" id="main">
          {error ? (
            <div className="empty" role="alert">
              <h2>That did not load</h2>
              <p>{error}</p>
              <button className="button" type="button" onClick={() => void begin()}>Try again</button>
            </div>
          ) : <p className="loading" role="status">Loading…</p>}
        </main>
      )}
      {question && <SignIn title={title} {...question} email={user?.email ?? ''} onSignedIn={answered} />}
    </>
  );
}

function Account({ user }: { user: User }) {
  const words = user.name.split(/\s+/).filter(Boolean);
  const initials = [words[0], words.length > 1 ? words.at(-1) : ''].map((word) => [...(word ?? '')][0] ?? '').join('').toUpperCase();

  async function signOut() {
    await api.call('POST', 'auth/logout').catch(() => null);
    location.reload();
  }

  return (
    <div className="who" id="who">
      <span className="avatar" aria-hidden="true">{initials}</span>
      <span className="who-name" title={user.email}>{user.name}</span>
      <button className="button quiet" type="button" id="signout" aria-label="Sign out" title="Sign out" onClick={() => void signOut()}>
        <Icon name="leave" /><span>Sign out</span>
      </button>
    </div>
  );
}
