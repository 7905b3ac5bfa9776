// Light or dark: the reader's own setting until a button says otherwise, which the browser keeps.

import { computed, ref } from 'vue';

import { schema } from '../schema';

const system = matchMedia('(prefers-color-scheme: dark)');
const systemDark = ref(system.matches);
const chosen = ref(localStorage.getItem('theme') ?? schema.theme ?? document.documentElement.dataset.theme ?? '');

system.addEventListener('change', (event) => { systemDark.value = event.matches; });
if (chosen.value) document.documentElement.dataset.theme = chosen.value;

export function useTheme() {
  const dark = computed(() => (chosen.value ? chosen.value === 'dark' : systemDark.value));

  function toggle(): void {
    chosen.value = dark.value ? 'light' : 'dark';
    document.documentElement.dataset.theme = chosen.value;
    localStorage.setItem('theme', chosen.value);
  }

  return { dark, toggle };
}
