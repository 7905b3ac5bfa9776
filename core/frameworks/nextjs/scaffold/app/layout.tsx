import type { Metadata, Viewport } from 'next';
import type { ReactNode } from 'react';

import json from '@/lib/schema.json';
import type { Schema } from '@/ui/schema';
import './styles.css';

const schema = json as Schema;

// Every page is rendered when it is asked for: there is no database while the app is built.
export const dynamic = 'force-dynamic';

export const metadata: Metadata = { title: schema.title, icons: '/favicon.svg' };
export const viewport: Viewport = { colorScheme: 'light dark', viewportFit: 'cover' };

export default function Layout({ children }: { children: ReactNode }) {
  // The theme that was chosen in the browser replaces the one of the schema.
  return (
    <html lang="en" data-theme={schema.theme} suppressHydrationWarning>
      <body>{children}</body>
    </html>
  );
}
