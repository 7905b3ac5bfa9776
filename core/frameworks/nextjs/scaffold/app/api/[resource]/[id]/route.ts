// One record of a resource: read it, change it, delete it.

import { resourceOf, route } from '@/lib/routing';

type Context = { params: Promise<{ resource: string; id: string }> };

export const GET = route(async (_, { params }: Context) => (await resourceOf(params)).read((await params).id));
export const PATCH = route(async (request, { params }: Context) => (await resourceOf(params)).update((await params).id, request));
export const PUT = PATCH;
export const DELETE = route(async (_, { params }: Context) => (await resourceOf(params)).remove((await params).id));
