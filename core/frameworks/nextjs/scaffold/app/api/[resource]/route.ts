// The list of a resource: read it, add to it.

import { resourceOf, route } from '@/lib/routing';

type Context = { params: Promise<{ resource: string }> };

export const GET = route(async (request, { params }: Context) => (await resourceOf(params)).list(request));
export const POST = route(async (request, { params }: Context) => (await resourceOf(params)).create(request));
