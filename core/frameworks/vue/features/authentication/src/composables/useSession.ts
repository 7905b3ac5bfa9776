// Who is signed in, and the question for it: asked by App.vue, and by the API when a session has ended.

import { readonly, ref, shallowRef } from 'vue';

import * as api from '../api';

export interface User {
  id: number;
  name: string;
  email: string;
  is_admin: boolean;
}

/** Why somebody is asked to sign in: "first" while there is no account at all, "again" when a session has ended. */
export type Reason = 'signin' | 'first' | 'again';
export type Registration = NonNullable<api.Problem['registration']>;

interface Question {
  reason: Reason;
  registration: Registration;
  answer: (user: User) => void;
}

const user = ref<User | null>(null);
const error = ref('');
const question = shallowRef<Question | null>(null);
let asking: Promise<void> | null = null;

/** Resolves when somebody has signed in. One question at a time, whoever asks. */
function ask(reason: Reason, registration: Registration): Promise<void> {
  asking ??= new Promise((resolve) => {
    function answer(who: User): void {
      // Somebody else: nothing of what is on the page is theirs.
      if (user.value && user.value.id !== who.id) return location.reload();
      user.value = who;
      question.value = null;
      asking = null;
      resolve();
    }
    question.value = { reason, registration, answer };
  });
  return asking;
}

/** Find out who this is, and ask where the server does not know. */
async function begin(): Promise<void> {
  error.value = '';
  api.whenSignedOut(() => ask('again', 'closed'));
  try {
    user.value = await api.json<User>('GET', 'auth/me');
  } catch (failure) {
    const { status, message, problem } = api.asApiError(failure);
    if (status === 401) await ask(problem.registration === 'first' ? 'first' : 'signin', problem.registration ?? 'open');
    else error.value = message;
  }
}

async function signOut(): Promise<void> {
  await api.call('POST', 'auth/logout').catch(() => null);
  location.reload();
}

export function useSession() {
  return { user: readonly(user), error: readonly(error), question, begin, signOut };
}
