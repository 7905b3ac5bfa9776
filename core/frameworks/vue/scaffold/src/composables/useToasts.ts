// Short messages at the lower edge, which go by themselves.

import { readonly, ref } from 'vue';

export interface Toast {
  id: number;
  message: string;
  kind: 'good' | 'bad';
}

const toasts = ref<Toast[]>([]);
let count = 0;

export function toast(message: string, kind: Toast['kind'] = 'good'): void {
  const id = ++count;
  toasts.value.push({ id, message, kind });
  setTimeout(() => { toasts.value = toasts.value.filter((other) => other.id !== id); }, kind === 'bad' ? 7000 : 3200);
}

export function useToasts() {
  return { toasts: readonly(toasts) };
}
