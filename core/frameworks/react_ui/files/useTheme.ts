// Light or dark: what was chosen here before, else what the app prefers, else what the reader's system says.

import { useCallback, useLayoutEffect, useSyncExternalStore } from 'react';

type Theme = 'light' | 'dark';

const KEY = 'theme';
const CHANGED = 'themechange';
const system = () => matchMedia('(prefers-color-scheme: dark)');

function isDark(): boolean {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === 'dark' : system().matches;
}

function set(theme: string): void {
  document.documentElement.dataset.theme = theme;
  window.dispatchEvent(new Event(CHANGED));
}

function subscribe(changed: () => void): () => void {
  const preference = system();
  preference.addEventListener('change', changed);
  window.addEventListener(CHANGED, changed);
  return () => {
    preference.removeEventListener('change', changed);
    window.removeEventListener(CHANGED, changed);
  };
}

/** Whether the page is dark now, and the function that switches. */
export function useTheme(preferred?: Theme): [dark: boolean, toggle: () => void] {
  const dark = useSyncExternalStore(subscribe, isDark, () => false);
  useLayoutEffect(() => {
    const theme = localStorage.getItem(KEY) ?? preferred;
    if (theme) set(theme);
  }, [preferred]);
  const toggle = useCallback(() => {
    const theme: Theme = isDark() ? 'light' : 'dark';
    localStorage.setItem(KEY, theme);
    set(theme);
  }, []);
  return [dark, toggle];
}
