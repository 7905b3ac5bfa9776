import json from './schema.json';
import { ListApp } from './ui/ListApp';
import type { Schema } from './ui/schema';

const schema = json as Schema;

export function App() {
  return <ListApp schema={schema} />;
}
