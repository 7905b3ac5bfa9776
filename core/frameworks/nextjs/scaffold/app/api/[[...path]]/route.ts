// Whatever else is asked for below /api.

import { NotFound } from '@/lib/problems';
import { route } from '@/lib/routing';

const nothing = route(async () => {
  throw new NotFound('There is nothing at this address.');
});

export { nothing as DELETE, nothing as GET, nothing as PATCH, nothing as POST, nothing as PUT };
