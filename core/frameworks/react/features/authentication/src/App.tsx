import json from './schema.json';
import { ListApp } from './ui/ListApp';
import type { Schema } from './ui/schema';
import { SignedIn } from './ui/SignedIn';

const schema = json as Schema;

export function App() {
  return <SignedIn title={schema.title}>{(account) => <ListApp schema={schema} account={account} />}</SignedIn>;
}
