import json from '@/lib/schema.json';
import type { Schema } from '@/ui/schema';
import { App } from './App';

export default function Page() {
  return <App schema={json as Schema} />;
}
