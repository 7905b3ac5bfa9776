// Short messages at the foot of the page. `useToast` gives the function that shows one.

import { createContext, useCallback, useContext, useRef, useState, type ReactNode } from 'react';

type Kind = 'good' | 'bad';
interface Toast { id: number; message: string; kind: Kind }

const ToastContext = createContext<(message: string, kind?: Kind) => void>(() => {});

export const useToast = () => useContext(ToastContext);

export function Toasts({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<Toast[]>([]);
  const last = useRef(0);
  const show = useCallback((message: string, kind: Kind = 'good') => {
    const id = ++last.current;
    setToasts((shown) => [...shown, { id, message, kind }]);
    setTimeout(() => setToasts((shown) => shown.filter((toast) => toast.id !== id)), kind === 'bad' ? 7000 : 3200);
  }, []);
  return (
    <ToastContext value={show}>
      {children}
      <div className="toasts" id="toasts" role="status" aria-live="polite">
        {toasts.map(({ id, message, kind }) => <p key={id} className={`toast toast-${kind}`}>{message}</p>)}
      </div>
    </ToastContext>
  );
}
