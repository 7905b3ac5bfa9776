'use client';

import dynamic from 'next/dynamic';
import type { ReactNode } from 'react';

import { ListApp } from '@/ui/ListApp';
import type { Schema } from '@/ui/schema';

// In the browser alone: it begins at the section that the address names behind its #, which a server never sees.
const SignedIn = dynamic(() => import('@/ui/SignedIn').then((module) => module.SignedIn), { ssr: false, loading: Loading });

export function App({ schema }: { schema: Schema }) {
  return <SignedIn title={schema.title}>{(account: ReactNode) => <ListApp schema={schema} account={account} />}</SignedIn>;
}

function Loading() {
  return (
    <main className="wrap">
      <p className="loading" role="status">Loading…</p>
      <noscript><p className="notice">This page needs JavaScript.</p></noscript>
    </main>
  );
}
