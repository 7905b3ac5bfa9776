'use client';

import dynamic from 'next/dynamic';

import type { Schema } from '@/ui/schema';
import { Loading } from './Loading';

// In the browser alone: it begins at the section that the address names behind its #, which a server never sees.
const ListApp = dynamic(() => import('@/ui/ListApp').then((module) => module.ListApp), { ssr: false, loading: Loading });

export function App({ schema }: { schema: Schema }) {
  return <ListApp schema={schema} />;
}
