'use client';

import dynamic from 'next/dynamic';

import type { Schema } from '@/ui/schema';

// In the browser alone: it begins at the section that the address names behind its #, which a server never sees.
const ListApp = dynamic(() => import('@/ui/ListApp').then((module) => module.ListApp), { ssr: false, loading: Loading });

export function App({ schema }: { schema: Schema }) {
  return <ListApp schema={schema} />;
}

function Loading() {
  return (
    <main className="wrap">
      <p className="loading" role="status">Loading…</p>
      <noscript><p className="notice">This page needs JavaScript.</p></noscript>
    </main>
  );
}
