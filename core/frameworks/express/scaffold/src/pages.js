// The page: the files of public/, which a browser asks for anew each time.

import express from 'express';

export const pages = express.static('public', { cacheControl: false, setHeaders: (response) => response.set('cache-control', 'no-cache') });
