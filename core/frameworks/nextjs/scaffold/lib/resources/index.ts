// What the app keeps: one module per resource, listed here.

import type { Resource } from '../crud';

export const resources: Resource[] = [];
