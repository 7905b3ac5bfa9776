// What the routes of app/api/ share: errors become problem documents, answers are in the log, resources are found by name.

import type { Resource } from './crud';
import { NotFound, problem } from './problems';
import { resources } from './resources';

type Handler<Context> = (request: Request, context: Context) => Promise<Response>;

export function route<Context>(handler: Handler<Context>): Handler<Context> {
  return async (request, context) => {
    const response = await handler(request, context).catch(problem);
    const { pathname, search } = new URL(request.url);
    console.log(`${request.method} ${pathname}${search} ${response.status}`);
    return response;
  };
}

export async function resourceOf(params: Promise<{ resource: string }>): Promise<Resource> {
  const { resource: name } = await params;
  const found = resources.find((one) => one.table === name);
  if (!found) throw new NotFound('There is nothing at this address.');
  return found;
}
