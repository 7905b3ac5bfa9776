// What a client sends: a JSON object of at most one megabyte.

import { NotUnderstood } from './problems';

const LARGEST = 1024 * 1024;

export async function bodyOf(request: Request): Promise<Record<string, unknown>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > LARGEST) throw new NotUnderstood('The request cannot be used as it is.', 413);
    chunks.push(chunk);
  }
  let body: unknown = null;
  try {
    body = JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    // Said below: not an object either.
  }
  if (body === null || typeof body !== 'object' || Array.isArray(body)) throw new NotUnderstood('Send a JSON object.');
  return body as Record<string, unknown>;
}
