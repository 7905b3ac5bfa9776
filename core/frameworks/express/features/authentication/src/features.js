// What stands before the JSON API, in order: each is called with the app.

import { authentication } from './auth/index.js';

export const features = [authentication];
